"""A home and a response centre to try the unit with: for training technicians, for `make demo` and for tests."""
