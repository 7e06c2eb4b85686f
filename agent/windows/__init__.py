"""Motion around triggers, kept on the unit by the citizen's consent: see docs/operations/consent.md."""
