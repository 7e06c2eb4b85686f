"""Models that a municipality brings to its units: signed, tried beside the live one, promoted, and rolled back."""
