"""What the people in the recordings did, in words, and where they wore the sensor.

Rules of this file: words only. SisFall's are those of its paper (doi:10.3390/s17010198, tables 1 and 2), shortened;
SmartFallMM's are those of its repository.
"""

from __future__ import annotations

from training.recordings import Recording

Source = tuple[str, str]
"""Dataset and body position, as the manifest has them."""

SISFALL: Source = ("SisFall", "waist")
HIP: Source = ("SmartFallMM", "hip_left")
PHONE: Source = ("SmartFallMM", "hip_right_phone")

SOURCES: dict[Source, str] = {
    SISFALL: "SisFall, waist",
    HIP: "SmartFallMM, Meta sensor on the hip",
    PHONE: "SmartFallMM, phone on the hip",
    ("SmartFallMM", "wrist_right"): "SmartFallMM, Meta sensor on the wrist",
    ("SmartFallMM", "wrist_left"): "SmartFallMM, watch on the wrist",
}
WRIST = ("wrist_left", "wrist_right")

AGES = {"young": "under 40", "middle": "40 to 59", "older": "60 and over"}

_SHORT: dict[Source, str] = {SISFALL: "SisFall", HIP: "hip", PHONE: "phone"}
_WORDS: dict[str, dict[str, str]] = {
    "SisFall": {
        "D01": "walking slowly",
        "D02": "walking quickly",
        "D03": "jogging slowly",
        "D04": "jogging quickly",
        "D05": "stairs, slowly",
        "D06": "stairs, quickly",
        "D07": "sitting down on a chair and up, slowly",
        "D08": "sitting down on a chair and up, quickly",
        "D09": "sitting down on a low chair and up, slowly",
        "D10": "sitting down on a low chair and up, quickly",
        "D11": "trying to get up and collapsing into the chair",
        "D12": "sitting, lying down slowly, sitting",
        "D13": "sitting, lying down quickly, sitting",
        "D14": "rolling over while lying",
        "D15": "bending at the knees",
        "D16": "bending without the knees",
        "D17": "getting into a car and out",
        "D18": "stumbling",
        "D19": "a gentle jump",
        "F01": "forward, a slip while walking",
        "F02": "backward, a slip while walking",
        "F03": "to the side, a slip while walking",
        "F04": "forward, a trip while walking",
        "F05": "forward, a trip while jogging",
        "F06": "straight down, fainting while walking",
        "F07": "fainting while walking, hands on a table",
        "F08": "forward, getting up",
        "F09": "to the side, getting up",
        "F10": "forward, sitting down",
        "F11": "backward, sitting down",
        "F12": "to the side, sitting down",
        "F13": "forward, fainting while sitting",
        "F14": "backward, fainting while sitting",
        "F15": "to the side, fainting while sitting",
    },
    "SmartFallMM": {
        "A01": "drinking water",
        "A02": "picking up an object",
        "A03": "a jacket on and off",
        "A04": "a step up",
        "A05": "sweeping the floor",
        "A06": "washing hands",
        "A07": "waving a hand",
        "A08": "walking, or timed up and go",
        "A09": "sitting down and standing up",
        "A10": "backward",
        "A11": "forward",
        "A12": "to the left",
        "A13": "to the right",
        "A14": "turning",
    },
}


def source_of(recording: Recording) -> Source:
    """Return where a recording comes from."""
    return recording.dataset, recording.body_position


def source_words(source: Source) -> str:
    """Return dataset and body position in words; of a source that is not known here, its own."""
    return SOURCES.get(source, ", ".join(source))


def short_words(source: Source) -> str:
    """Return dataset and body position in a word, for labels."""
    return _SHORT.get(source, ", ".join(source))


def in_words(recording: Recording) -> str:
    """Return what was done, after its code; an activity that is not known here keeps its own name."""
    code, _, name = recording.activity.partition(" ")
    return f"{code} {_WORDS.get(recording.dataset, {}).get(code, name.replace('_', ' '))}"
