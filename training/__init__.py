"""From recordings to the model file and its card. Not installed on the unit."""
