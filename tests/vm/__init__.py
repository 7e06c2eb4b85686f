"""A Raspberry Pi without the Pi: the package, installed and broken in a virtual machine with real GPIO devices.

`make vm-test` builds what it needs and runs all of it; README.md of this folder says what is where.
"""
