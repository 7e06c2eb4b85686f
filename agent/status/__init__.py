"""What a running unit tells about itself on this machine: `nodkald status` and `nodkald log`."""
