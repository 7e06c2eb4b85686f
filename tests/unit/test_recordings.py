"""Recordings as CSV: what is written can be read, and what is wrong is said with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import RecordingError
from agent.recordings import HEADER, Sample, read_recording, write_recording

AT_50_HZ: list[Sample] = [(i / 50, 0.125, -0.25, 1.0) for i in range(100)]


def file_of(folder: Path, text: str) -> Path:
    path = folder / "fall.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.csv", AT_50_HZ)
    assert read_recording(tmp_path / "a.csv") == AT_50_HZ
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0] == HEADER


@pytest.mark.parametrize("text", ["\ufeff{}", "{}\r\n", "{}\n\n", "{}"])
def test_what_a_spreadsheet_does_to_a_file_is_accepted(tmp_path: Path, text: str) -> None:
    body = "\n".join([HEADER.replace(",", ", "), *(f"{t},0,0,1" for t, *_ in AT_50_HZ)])
    assert len(read_recording(file_of(tmp_path, text.format(body)))) == 100


@pytest.mark.parametrize("rate", [18, 25, 50, 100, 200])
def test_every_rate_from_18_to_200_is_accepted_a_few_percent_off_too(tmp_path: Path, rate: float) -> None:
    for true in (rate * 0.98, rate * 1.02):
        write_recording(tmp_path / "a.csv", [(i / true, 0, 0, 1) for i in range(50)])
        assert len(read_recording(tmp_path / "a.csv")) == 50


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "fall.csv:1: the first line must be the header"),
        ("time,x,y,z\n0,0,0,1\n", "not 'time,x,y,z'"),
        (f"{HEADER}\n", "0 samples are no motion"),
        (f"{HEADER}\n0,0,0,1\n", "1 samples are no motion"),
        (f"{HEADER}\n0,0,0,1\n0.02,0,0\n", "fall.csv:3: '0.02,0,0' is not four numbers"),
        (f"{HEADER}\n0,0,0,1\n0.02,0,zero,1\n", "fall.csv:3:"),
        (f"{HEADER}\n0,0,0,1\n0.02,0,nan,1\n", "no finite number"),
        (f"{HEADER}\n0,0,0,1\n\n0.02,0,0,1\n0.02,0,0,1\n", "fall.csv:5: 0.02 s is not after 0.02 s"),
        (f"{HEADER}\n0,0,0,1\n0.02,0,0,1 # a remark\n", "fall.csv:3:"),
        (f"{HEADER}\n" + "".join(f"{i * 20},0,0,1\n" for i in range(50)), "is t_s in seconds?"),
        (f"{HEADER}\n" + "".join(f"{i / 400},0,0,1\n" for i in range(50)), "400.0 samples a second"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordingError, match=r"fall\.csv") as refused:
        read_recording(file_of(tmp_path, text))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="can't be read"):
        read_recording(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RecordingError, match="can't be read"):
        read_recording(tmp_path / "binary.csv")


def test_a_folder_that_is_not_there_is_said_on_writing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="can't be written"):
        write_recording(tmp_path / "absent" / "a.csv", AT_50_HZ)
