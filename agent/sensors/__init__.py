"""Drivers, sans-I/O framers and debounce: from hardware to readings."""
