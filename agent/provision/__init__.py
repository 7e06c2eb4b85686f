"""`nodkald provision`: from a board without an identity to a unit, in one step or not at all."""
