"""nodkald-agent: the software on the small computer in a citizen's home that calls for help."""

__version__ = "0.1.0"
