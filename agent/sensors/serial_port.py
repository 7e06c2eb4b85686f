"""A serial port that fails in one way only: `SensorError`, with a detail that helps a technician.

Rules of this file: everything that pyserial and the operating system raise ends here. pyserial 3.5 on Linux raises
SerialException (an OSError), bare OSError, `termios.error` (which is none), TypeError on a closed descriptor and
ValueError on one that select() can't take. No thread and no clock; waiting is the driver's.
"""

from __future__ import annotations

import errno
import fcntl
import termios

import serial

from agent.errors import SensorError

LARGEST_READ = 65_536
"""Bytes taken in one go: more than a kernel keeps for a port, and a bound on what garbage can make us hold."""

SHORTEST_REOPEN_S = 0.1
LONGEST_REOPEN_S = 5.0

_FAILURES = (OSError, termios.error, TypeError, ValueError)

_DETAILS = {
    errno.ENOENT: "there is no such device: plug the receiver in, and check the port's path in profile and unit file",
    errno.ENODEV: "the device is gone: plug the receiver in again",
    errno.ENXIO: "the device is gone: plug the receiver in again",
    errno.EIO: "the device was unplugged",
    errno.EACCES: "permission denied: the service's user must be in the port's group (dialout)",
    errno.EPERM: "permission denied: the service's user must be in the port's group (dialout)",
    errno.EAGAIN: "another program uses the port: stop it (fuser shows which)",
    errno.EBUSY: "another program uses the port: stop it (fuser shows which)",
    errno.ENOTTY: "this is no serial port: check the port's path in profile and unit file",
    errno.EISDIR: "this is no serial port: check the port's path in profile and unit file",
}


class SerialPort:
    """An open port, raw 8N1, locked against other programs that lock theirs. Its input was emptied when it opened."""

    def __init__(self, path: str, baud: int) -> None:
        """Open `path` at `baud`. Raises SensorError where that fails."""
        self._path = path
        try:
            self._serial = serial.Serial(path, baud, timeout=0, exclusive=True)
        except _FAILURES as error:
            raise _explained(path, error) from error

    def read_available(self) -> bytes:
        """Return what has arrived, without waiting; b"" if nothing has. Raises SensorError once the device is gone."""
        received = bytearray()
        try:
            while len(received) < LARGEST_READ:
                chunk = self._serial.read(LARGEST_READ)
                if not chunk:
                    break
                received += chunk
        except _FAILURES as error:
            if received:  # hand over what came before the end; the next read meets the same failure
                return bytes(received)
            raise _explained(self._path, error) from error
        return bytes(received)

    def give_up_lock(self) -> None:
        """Let others open the port while a read of it hangs: the lock would last as long as the read. Never raises."""
        try:
            fcntl.flock(self._serial.fileno(), fcntl.LOCK_UN)
        except _FAILURES:
            return  # closed meanwhile, and with it the lock

    def close(self) -> None:
        """Release the port. Never raises, and may be called twice."""
        try:
            self._serial.close()
        except _FAILURES:
            return  # the descriptor of an unplugged device; the kernel has released it


def reopen_delay_s(attempt: int, chance: float) -> float:
    """Return the seconds to wait before attempt `attempt` (0 is the first after a loss) to open a port again.

    Exponential backoff with full jitter: evenly spread by `chance` (0 up to 1) between 0.1 s and a ceiling that doubles
    from 0.2 s to 5 s.
    """
    ceiling = min(LONGEST_REOPEN_S, SHORTEST_REOPEN_S * 2.0 ** min(attempt + 1, 10))
    return SHORTEST_REOPEN_S + (ceiling - SHORTEST_REOPEN_S) * chance


def _explained(path: str, error: BaseException) -> SensorError:
    """Return the error that says what is wrong with the port at `path` and what to do."""
    number = _errno(error)
    if number is None and isinstance(error, serial.SerialException) and "returned no data" in str(error):
        number = errno.EIO  # select() says readable and nothing is there: pyserial's words for an unplugged device
    return SensorError(f"{path}: {_DETAILS.get(number or 0, str(error))}")


def _errno(error: BaseException | None) -> int | None:
    """Return the system's error number, which pyserial leaves in the error that it was raised from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        if isinstance(error, termios.error) and isinstance(error.args[0], int):
            return error.args[0]
        error = error.__context__
    return None
