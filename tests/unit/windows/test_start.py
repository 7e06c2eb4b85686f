"""Without a consent nobody stands around fall detection; and whatever breaks here, fall detection is as it was."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.clock import ManualClock
from agent.config import Consent
from agent.windows import start
from agent.windows.start import Windows
from agent.windows.store import WindowStore
from agent.windows.taking import Taking
from agent.workers import Workers
from tests.home_bench import unit_file
from tests.unit.windows.test_taking import Told
from tests.waiting import eventually

AGREED = Consent(motion_windows=True, reference="c-4f7k2q", until=date(2027, 6, 30), certificate=Path("/nowhere.pem"))


def windows(directory: Path, consent: Consent) -> Windows:
    unit = unit_file().model_copy(update={"consent": consent, "state_dir": directory})
    return Windows(unit, ManualClock(synced=False))


@pytest.mark.parametrize(("consent", "taken"), [(Consent(), False), (AGREED, True)])
def test_only_a_consent_puts_somebody_around_fall_detection(tmp_path: Path, consent: Consent, *, taken: bool) -> None:
    detection, begun = Told(), windows(tmp_path, consent)
    assert begun.around(detection) is detection  # not before it was begun
    workers = Workers()
    begun.begin(workers)
    assert list(workers._workers) == ["windows"], "it is seen when it hangs"
    around = begun.around(detection)
    assert isinstance(around, Taking) == taken
    assert taken or around is detection
    begun.stop()


def test_without_a_consent_what_an_earlier_one_left_is_deleted(tmp_path: Path) -> None:
    assert WindowStore(tmp_path).keep("c-1b2c3d", b"sealed", 1_800_000_000.0)
    windows(tmp_path, Consent()).begin(Workers())
    eventually(lambda: not (tmp_path / "windows").exists())


def test_what_breaks_here_leaves_fall_detection_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Any = None  # what makes an import fail
    monkeypatch.setitem(sys.modules, "agent.windows.worker", broken)
    detection, begun = Told(), windows(tmp_path, AGREED)
    with capture_logs() as logs:
        monkeypatch.setattr(start, "log", start.structlog.get_logger())
        begun.begin(Workers())
    assert [line["event"] for line in logs] == ["windows_not_begun"]
    assert begun.around(detection) is detection
    begun.stop()


def test_a_unit_without_consent_does_not_even_load_what_takes_motion() -> None:
    script = "import agent.app, agent.windows.start, agent.windows.worker, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "agent.windows.worker" in done.stdout.split()
    assert "agent.windows.taking" not in done.stdout.split()
