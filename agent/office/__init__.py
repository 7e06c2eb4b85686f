"""`nodkald office`: what the office prepares for units. It runs on an office machine, never on a unit."""
