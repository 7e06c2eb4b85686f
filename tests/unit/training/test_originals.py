"""The loader of a user's own downloads, on small made-up files in the originals' formats."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from training import originals, sisfall, smartfallmm
from training.recordings import Recording, Unreadable, load

BEGAN = datetime(2022, 7, 20, 16, 31, 51, 354_000, tzinfo=UTC)
UPRIGHT = np.array([0.0, 1.0, 0.0])


def sisfall_file(folder: Path, name: str, rows: int = 600, blow_at: int = 400, heading: str = "") -> Path:
    """Nine columns of bits: 1 g is 256 of them; the blow is 4 g."""
    bits = np.tile([0, -256, 3, 1, 2, 3, 0, -1024, 9], (rows, 1))
    bits[:, 2] += crc32((folder.name + name).encode()) % 1009  # so that no two files have the same samples
    bits[blow_at, 1] = -1024
    folder.mkdir(parents=True, exist_ok=True)
    lines = [",".join(f"{value:4d}" for value in row) + ";" for row in bits]
    path = folder / name
    path.write_text(heading + "\r\n".join(lines) + "\r\n\r\n")
    return path


def track(count: int = 150, peak_g: float = 2.5) -> NDArray[np.float64]:
    xyz = np.tile(UPRIGHT, (count, 1))
    xyz[:, 0] += 0.001 * (np.arange(count) % 7)  # a sensor never says the same for long
    xyz[count // 2] *= peak_g
    return xyz


def meta_file(path: Path, xyz: NDArray[np.float64], step_ms: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (x, y, z) in enumerate(xyz):
        at = BEGAN + timedelta(milliseconds=step_ms * number)
        epoch_ms = round(at.timestamp() * 1000)
        lines.append(f"{epoch_ms},{at:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d},{number * step_ms / 1000},{x},{y},{z}")
    path.write_text("\n".join(lines) + "\n")
    return path


def phone_file(path: Path, xyz: NDArray[np.float64], step_ms: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (x, y, z) in enumerate(xyz * smartfallmm.STANDARD_GRAVITY):
        at = BEGAN + timedelta(milliseconds=step_ms * number)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d},{x:.7f},{y:.7f},{z:.7f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def usable(one: Recording | str) -> Recording:
    assert isinstance(one, Recording), one
    return one


def test_sisfalls_bits_become_g_at_200_hz(tmp_path: Path) -> None:
    one = usable(sisfall.read(sisfall_file(tmp_path / "SE06", "F11_SE06_R03.txt")))
    assert (one.rec_id, one.subject, one.age_group, one.activity) == ("SIS_F11_SE06_R03", "SE06", "older", "F11")
    assert (one.is_fall, one.rate_hz, one.duration_s, one.peak_s) == (True, 200.0, 3.0, 2.0)
    assert one.xyz_g[0, 1] == -1.0  # 256 bits, and no other sensor's column
    assert one.xyz_g[400, 1] == -4.0
    assert one.xyz_g.shape == (600, 3)


def test_the_person_is_the_folders_and_a_heading_is_skipped(tmp_path: Path) -> None:
    one = usable(sisfall.read(sisfall_file(tmp_path / "SA15", "D17_SE15_R02.txt", heading="ADXL345_x,ADXL345_y\n")))
    assert (one.rec_id, one.subject, one.is_fall) == ("SIS_D17_SA15_R02", "SA15", False)
    assert len(one.xyz_g) == 600


def test_a_copy_whose_lines_have_no_semicolon_is_the_same_recording(tmp_path: Path) -> None:
    path = sisfall_file(tmp_path / "SA01", "D01_SA01_R01.txt")
    whole = usable(sisfall.read(path)).xyz_g
    path.write_text(path.read_text().replace(";", ""))
    np.testing.assert_array_equal(usable(sisfall.read(path)).xyz_g, whole)


def test_a_damaged_sisfall_file_is_left_out_with_its_reason(tmp_path: Path) -> None:
    path = sisfall_file(tmp_path / "SA01", "D01_SA01_R01.txt")
    path.write_text(path.read_text().replace("-1024,   9;", "-1024;", 1))
    assert sisfall.read(path) == "not nine columns of whole numbers"
    assert sisfall.read(sisfall_file(tmp_path / "SA01", "D02_SA01_R01.txt", 399, 5)) == "shorter than 2 s"
    assert sisfall.files(tmp_path) == sorted(tmp_path.rglob("*.txt"))


def test_meta_sensors_are_in_g_and_their_rate_is_in_their_stamps(tmp_path: Path) -> None:
    one = usable(smartfallmm.read(meta_file(tmp_path / "young/accelerometer/meta_hip/S30A10T01.csv", track())))
    assert (one.rec_id, one.subject, one.body_position) == ("SMM_young_meta_hip_S30A10T01", "Y30", "hip_left")
    assert (one.is_fall, one.age_group) == (True, "young")
    assert one.rate_hz == pytest.approx(25.0)
    np.testing.assert_allclose(one.xyz_g, track())


def test_phones_are_in_metres_and_a_second_squared(tmp_path: Path) -> None:
    one = usable(smartfallmm.read(phone_file(tmp_path / "old/accelerometer/phone/S03A02T01.csv", track())))
    assert (one.subject, one.body_position, one.is_fall) == ("O03", "hip_right_phone", False)
    assert one.rate_hz == pytest.approx(50.0)
    np.testing.assert_allclose(one.xyz_g, track(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "xyz", "step_ms", "reason"),
    [
        ("S30A10T01", track(10), 20, "shorter than 1 s"),
        ("S30A10T01", track(), 300, "a gap of over 0.25 s"),
        ("S30A10T01", track(), 100, "a rate that the sensor can't have"),
        ("S30A10T01", track(400), 12, "a rate that the sensor can't have"),
        ("S30A10T01", track().repeat(2, axis=0), 20, "over a tenth of its samples repeat the one before"),
        ("S30A10T01", track() * 3, 20, "it does not measure 1 g at rest"),
        ("S30A10T01", track() * np.nan, 20, "a line that is no sample"),
        ("S21A10T01", track(), 20, "S21 stands among the young and among the old"),
        ("S35A06T01", track(), 20, "looks like another place on the body"),
        ("notes", track(), 20, "not a name of a recording"),
    ],
)
def test_what_of_smartfallmm_is_left_out(
    tmp_path: Path, name: str, xyz: NDArray[np.float64], step_ms: int, reason: str
) -> None:
    assert smartfallmm.read(meta_file(tmp_path / f"young/accelerometer/meta_hip/{name}.csv", xyz, step_ms)) == reason


def test_stamps_that_go_back_and_words_among_them_are_left_out(tmp_path: Path) -> None:
    path = meta_file(tmp_path / "young/accelerometer/meta_hip/S30A10T01.csv", track())
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[1], lines[0], *lines[2:]]))
    assert smartfallmm.read(path) == "its stamps go back"
    path.write_text("\n".join([*lines[:9], META_HEADING, *lines[9:]]))
    assert smartfallmm.read(path) == "a line that is no sample"


META_HEADING = "epoch (ms),time (-11:00),elapsed (s),x-axis (g),y-axis (g),z-axis (g)"
"""What some of the files begin with, although the README says that there are no headings; the hours vary."""


@pytest.mark.parametrize("written", [lambda line: line, lambda line: line.replace(",", ".0,", 1)])
def test_the_meta_sensors_files_of_some_people_have_a_heading_or_stamps_with_a_point(
    tmp_path: Path, written: Callable[[str], str]
) -> None:
    path = meta_file(tmp_path / "old/accelerometer/meta_hip/S01A04T01.csv", track(), step_ms=20)
    plain = usable(smartfallmm.read(path))
    path.write_text("\n".join([META_HEADING, *map(written, path.read_text().splitlines())]))
    one = usable(smartfallmm.read(path))
    assert (one.subject, one.rate_hz) == ("O01", plain.rate_hz)
    np.testing.assert_array_equal(one.xyz_g, plain.xyz_g)


def test_a_phone_may_stamp_a_few_samples_alike_but_not_repeat_one_for_seconds(tmp_path: Path) -> None:
    path = phone_file(tmp_path / "old/accelerometer/phone/S03A01T01.csv", track())
    lines = path.read_text().splitlines()
    stamp = lines[20].split(",")[0]
    burst = [f"{stamp},{line.split(',', 1)[1]}" for line in lines[20:26]]
    path.write_text("\n".join([*lines[:20], *burst, *lines[26:]]))
    assert usable(smartfallmm.read(path)).rate_hz == pytest.approx(50.0)
    path.write_text("\n".join([*lines[:20], *[lines[20]] * 40, *lines[21:]]))
    assert smartfallmm.read(path) == "over a tenth of its samples repeat the one before"


def test_both_folders_make_one_list_with_people_in_one_fold_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in range(1, 8):
        for activity in ("D01", "F01") if person < 6 else ("D01",):
            sisfall_file(tmp_path / f"sis/SA{person:02d}", f"{activity}_SA{person:02d}_R01.txt")
    hip = tmp_path / "smm/young/accelerometer"
    meta_file(hip / "meta_hip/S30A10T01.csv", track(150))
    phone_file(hip / "phone/S30A10T01.csv", track(160))
    meta_file(hip / "meta_wrist/S30A10T01.csv", track(170))
    meta_file(hip / "meta_hip/S31A01T01.csv", track(180))
    meta_file(hip / "meta_hip/S31A02T01.csv", track(180))
    found = originals.load(tmp_path / "sis", tmp_path / "smm")
    assert len(found) == 12 + 2  # not the wrist, and not what stands under two names
    assert {r.fold for r in found if r.is_fall and r.dataset == "SisFall"} == set(range(5))
    folds = {(r.dataset, r.subject, r.fold) for r in found}
    assert len(folds) == len({one[:2] for one in folds})
    assert "2 files left out: the same samples under another name" in capsys.readouterr().out


def test_a_folder_without_recordings_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="holds no recording"):
        originals.load(tmp_path, None)
    with pytest.raises(Unreadable, match=r"manifest\.csv can't be read .*: --data takes a folder"):
        load(tmp_path)
    rows = "rec_id,body_position,quality,file\nr,waist,,gone.npz\n"
    (tmp_path / "manifest.csv").write_text(rows)
    with pytest.raises(Unreadable, match=r"gone\.npz can't be read"):
        load(tmp_path)


def test_a_command_that_is_given_no_data_ends_with_the_sentence(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "training.stillness", "--data", str(tmp_path))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "manifest.csv can't be read" in done.stderr
