"""How much memory a process really holds, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes). Raises FileNotFoundError if it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise FileNotFoundError(f"/proc/{pid}/status: the process has ended")
