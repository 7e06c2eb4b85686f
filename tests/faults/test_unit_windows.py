"""A whole unit whose wearer falls: without consent no sample leaves its memory, with it only the key's owner reads one.

What is searched is every file below the unit's directories, its log, every byte to and from the broker; what it opened
for writing elsewhere is told by Python's own audit. The fall ends in a posture that no text or number holds by chance.
"""

from __future__ import annotations

import stat
import struct
import sys
from typing import TYPE_CHECKING, Any

from agent.provision import openssl
from agent.windows import record, seal
from tests.home import Centre, Home
from tests.motion_traces import MARKER, traces
from tests.trials.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path

    from agent.recordings import Sample
    from tests.broker.mosquitto import Mosquitto

WITHIN_S = 20.0
REFERENCE = "c-4f7k2q"


def a_fall() -> list[Sample]:
    """Return a second of standing, a short fall, and three seconds of lying in the marked posture, at 100 Hz."""
    standing, falling, impact = (0.0, 0.0, 1.0), (0.05, 0.0, 0.1), (3.5, -2.0, 2.5)
    xyz = [standing] * 60 + [falling] * 35 + [impact] * 8 + [MARKER] * 320
    return [(index / 100, *row) for index, row in enumerate(xyz)]


class Tap(Proxy):
    """A network that keeps every byte that it carried."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.carried = bytearray()

    def _read(self, stretch: Any, source: socket.socket, under_way: Any) -> None:
        super()._read(stretch, _Heard(source, self.carried), under_way)  # type: ignore[arg-type]  # it receives


class _Heard:
    def __init__(self, source: socket.socket, carried: bytearray) -> None:
        self._source, self._carried = source, carried

    def recv(self, size: int) -> bytes:
        chunk = self._source.recv(size)
        self._carried += chunk
        return chunk


class Watched(Home):
    """A home whose clock counts as set, whose windows are short, and whose process tells what it opens for writing."""

    def __init__(self, directory: Path, port: int, consent: str = "") -> None:
        home = directory / "home"
        home.mkdir()
        super().__init__(home, port, pre_alarm_s=0)
        self.windows = home / "state" / "windows"
        self.opened = directory / "opened"
        self.oracle = directory / "oracle"
        self.broken = directory / "broken"
        self.unit_file.write_text(self.unit_file.read_text() + consent)
        self.prelude = f"""
import os, struct, sys
opened = os.open({str(self.opened)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def watch(event, args):
    if event == "open" and args[2] is not None and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(opened, f"{{args[0]}}\\n".encode())
    elif event in ("sqlite3.connect", "subprocess.Popen", "os.fork", "os.posix_spawn"):
        os.write(opened, f"{{args[0] if args else event}}\\n".encode())
sys.addaudithook(watch)
from agent import system_clock
system_clock.kernel_clock_synced = lambda: True
"""

    def has_windows_of(self, before_s: float, after_s: float, late_s: float) -> None:
        """Make windows shorter than they are, so that one is over while somebody looks."""
        self.prelude += f"""
from agent.windows import taking
taking.BEFORE_S, taking.AFTER_S, taking.LATE_S, taking.JOIN_S = {before_s}, {after_s}, {late_s}, {late_s}
"""

    def is_overheard(self) -> None:
        """Write every sample that comes from the driver into a file beside the home."""
        self.prelude += f"""
from agent.windows import sealer, taking
oracle, take, encrypt = open({str(self.oracle)!r}, "wb", buffering=0), taking._take, sealer.Sealer.encrypt
def heard(tapes, item, said, now):
    if hasattr(item, "xyz_g"):
        oracle.write(b"".join(struct.pack("<4d", t, *xyz) for t, xyz in zip(item.times, item.xyz_g)))
    return take(tapes, item, said, now)
taking._take = heard
broken = {str(self.broken)!r}
sealer.Sealer.encrypt = lambda self, content: content if os.path.exists(broken) else encrypt(self, content)
"""

    def breaks_encryption(self) -> None:
        """Have windows written as they are from now on; only where it is overheard."""
        self.broken.touch()

    def kept(self) -> list[Path]:
        """Return the files of the kept windows."""
        return sorted(self.windows.glob("*/*.nkw"))

    def fall(self) -> None:
        """Fall, and wait until the unit has judged it."""
        eventually(lambda: self.logged("model_ready") and self.logged("path_up"))
        before = len(self.logged("trigger_assessed"))
        self.play(a_fall())
        eventually(lambda: len(self.logged("trigger_assessed")) > before, within=WITHIN_S)

    def written(self) -> dict[Path, bytes]:
        """Return every file below the home but what the test itself put there."""
        ours = {self.unit_file, self.directory / "motion.csv"}
        files = [path for path in self.directory.rglob("*") if path not in ours and stat.S_ISREG(path.lstat().st_mode)]
        return {path: path.read_bytes() for path in files}

    def traces(self) -> dict[str, list[str]]:
        """Return where something of the marked posture stands."""
        found = {str(path): traces(content, MARKER) for path, content in self.written().items()}
        return {where: forms for where, forms in found.items() if forms}


def consent(directory: Path) -> str:
    """Make the municipality's key; return the table for the unit file."""
    (directory / "windows.key").write_bytes(key := openssl.new_key())
    (directory / "windows.pem").write_text(seal.certificate_for(key))
    certificate = directory / "windows.pem"
    return f"""
[consent]
motion_windows = true
reference = "{REFERENCE}"
until = 2099-12-31
certificate = "{certificate}"
"""


def test_without_consent_no_sample_reaches_disk_or_network(tmp_path: Path, broker: Mosquitto) -> None:
    with Tap(broker.port) as tap, Centre(broker.port) as centre:
        home = Watched(tmp_path, tap.port)
        home.has_windows_of(before_s=0.5, after_s=0.5, late_s=0.3)  # one that were taken would be over within the fall
        with home:
            home.fall()
            centre.wait("call.raised")  # the fall was seen, judged and told: its motion was in memory
            home.stop()
        assert home.traces() == {}
        assert traces(bytes(tap.carried), MARKER) == []
        assert b"call.raised" in tap.carried
        opened = home.opened.read_text().splitlines()
        assert str(home.outbox) in opened
        elsewhere = [path for path in opened if not path.startswith((str(home.directory), "/dev/"))]
        assert elsewhere == []  # no file of another directory, and no other program, was given anything
        assert not home.windows.exists()


def test_with_consent_only_the_key_opens_what_is_kept(tmp_path: Path, broker: Mosquitto) -> None:
    table = consent(tmp_path)
    with Tap(broker.port) as tap:
        home = Watched(tmp_path, tap.port, table)
        home.has_windows_of(before_s=1.0, after_s=2.0, late_s=1.5)
        home.is_overheard()
        with home:
            home.fall()
            (kept,) = eventually(home.kept, within=WITHIN_S)
            assert home.traces() == {}
            assert traces(bytes(tap.carried), MARKER) == []
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.windows, kept.parent, kept)]
            assert modes == [0o700, 0o700, 0o600]
            assert (
                sys.executable in home.opened.read_text()
            )  # the process that encrypts: the search for one can find it

            opened = record.decode(seal.decrypt(kept.read_bytes(), tmp_path / "windows.key"))
            assert MARKER in [sample[1:] for sample in opened.samples]
            assert to_bytes(opened.samples) in home.oracle.read_bytes()  # what the driver said, to the last bit
            assert opened.header.consent == kept.parent.name == REFERENCE
            assert (opened.header.unit_id, opened.header.sensor) == ("u-test0001", "wearable")
            first = opened.header.triggers[0]
            assert first.verdict is not None
            assert opened.samples[0][0] < first.impact_at < opened.samples[-1][0]
            assert len(opened.samples) > 250  # 1 s before the impact to 2 s after it, at 100 Hz

            # And the search would have told: with an encryption that leaves everything as it is, it does.
            home.breaks_encryption()
            home.fall()
            eventually(lambda: len(home.kept()) > 1, within=WITHIN_S)
            assert any("zlib: doubles" in forms for forms in home.traces().values())


def to_bytes(samples: Sequence[Sample]) -> bytes:
    return b"".join(struct.pack("<4d", *sample) for sample in samples)
