"""Fault trials: break one part of the unit's world, often, at random moments, and count what was lost.

`python -m tests.trials list` names them, `python -m tests.trials run NAME --times N` runs one and keeps its row in
`docs/reliability/`, `python -m tests.trials table --write` puts the rows into `docs/reliability.md`. What each word of
a row means stands in `ledger`; a trial is a `Trial` of `registry`. Trials that need the virtual Pi are in `tests/vm`.
"""
