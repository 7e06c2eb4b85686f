"""However the demo ends, its processes and its folder are gone, and nobody sees a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually


def processes_of(directory: Path) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words:
            found.append(words)
    return found


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("iotcore", reason="the demo's broker comes with the extra `demo`")
    output = tmp_path / "output"
    directory = tmp_path / "tmp"
    directory.mkdir()
    with output.open("w") as file:
        demo = subprocess.Popen(
            [sys.executable, "-m", "agent.simulator.demo"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(directory)},
            start_new_session=True,
        )
    eventually(lambda: "is pulled" in output.read_text(), within=30)
    assert len(processes_of(directory)) >= 2
    demo.send_signal(signal.SIGINT)
    assert demo.wait(20) == 130
    assert output.read_text().splitlines()[-1] == "demo: FAILED (stopped before its end)"
    assert "Traceback" not in output.read_text()
    eventually(lambda: processes_of(directory) == [])  # what was killed last may take a moment to die
    assert list(directory.iterdir()) == []


def test_a_demo_that_can_not_begin_fails_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent.simulator.demo", "--recordings", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "demo: FAILED"
    assert "it needs one sit*.csv and one fall*.csv" in done.stdout
    assert done.stderr == ""
