"""`make evaluate`: every recording judged by a model that has not seen its subject; writes `docs/model/report.md`."""
