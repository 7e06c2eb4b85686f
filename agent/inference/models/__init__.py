"""The shipped models, each with its card. Written by `make model`."""
