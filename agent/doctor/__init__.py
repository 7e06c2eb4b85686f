"""`nodkald doctor`: every cause that a technician can mend. One check, one file; `command.py` runs all side by side."""
