"""Model cards: what a model file is, what it needs, what it can do and what it can't. Shipped beside the file.

Rules of this file: models and loading by name from the package; running a model is `agent/inference/runner.py`.
"""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import ModelError
from agent.inference import layout
from agent.inference.layout import SoftTrigger
from agent.profiles import Profile

PACKAGE = "agent.inference.models"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantisation(_Part):
    """real = (integer - zero_point) * scale."""

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=-128, le=127)


class Share(_Part):
    """A figure with its count: `part` of `whole` recordings (or triggers)."""

    part: int = Field(ge=0)
    whole: int = Field(ge=0)

    @property
    def percent(self) -> float:
        """Return the share in percent; NaN if there was nothing to count."""
        return 100.0 * self.part / self.whole if self.whole else float("nan")


class Figures(_Part):
    """What was measured on one kind of recording, counted by recording, on subjects that were not learnt from."""

    title: str
    falls_called: Share
    daily_life_without_call: Share
    daily_life_cut_at_end: int = Field(
        ge=0, description="further daily-life recordings that call `unverified`: they end within 1 s of an impact"
    )
    falls_without_trigger: int = Field(ge=0, description="fall recordings in which |a| never reaches trigger_g")


class Comparison(_Part):
    """Against a plain threshold of `threshold_g` on the same recordings."""

    threshold_g: float
    false_triggers_suppressed: Share
    its_falls_lost: Share


class TrainingData(_Part):
    """What the model has seen."""

    datasets: tuple[str, ...]
    recordings: int
    falls: int
    subjects: int
    windows: int


class ModelCard(_Part):
    """One model. `threshold` is frozen from out-of-fold scores; `figures` are out-of-fold too."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: int = Field(gt=0)
    body_positions: tuple[Literal["waist", "hip", "wrist"], ...] = Field(min_length=1)
    rate_hz: float
    before_s: float
    after_s: float
    channels: tuple[str, ...]
    trigger_g: float = Field(ge=1.0, le=8.0)
    soft_trigger: SoftTrigger | None = None
    threshold: float = Field(gt=0, lt=1)
    uncertain_above: float = Field(
        gt=0, lt=1, description="what a profile should set; from here to threshold: uncertain"
    )
    input: Quantisation
    output: Quantisation
    seed: int
    trained_on: TrainingData
    figures: tuple[Figures, ...]
    comparison: Comparison
    limits: tuple[str, ...] = Field(min_length=1)

    @property
    def label(self) -> str:
        """Return name and version, as events carry it."""
        return f"{self.name}/{self.version}"

    @property
    def input_shape(self) -> tuple[int, int]:
        """Return the shape of one window: samples, channels."""
        return round((self.before_s + self.after_s) * self.rate_hz), len(self.channels)


def load_card(name: str) -> ModelCard:
    """Return the card shipped as `name`; ModelError if it is missing, not a card, or for another pipeline than ours."""
    file = resources.files(PACKAGE) / f"{name}.json"
    try:
        card = parse_card(file.read_bytes())
    except OSError as error:
        raise ModelError(
            f"no model card {name}.json is shipped in {PACKAGE}; check the profile's fall.model"
        ) from error
    except ModelError as error:
        raise ModelError(f"{name}.json {error}; install the package again") from error
    if card.name != name:
        raise ModelError(f"model card {name}.json is the card of {card.name}; install the package again")
    return card


def parse_card(text: bytes) -> ModelCard:
    """Return the card in a file; ModelError (what the file is or holds) if it is none, or for another pipeline."""
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"is no model card ({error.error_count()} faults)") from error
    if fault := _fault(card):
        raise ModelError(fault)
    return card


def load_file(card: ModelCard) -> bytes:
    """Return the model file that belongs to the card, unchecked; ModelError if it is missing."""
    try:
        return (resources.files(PACKAGE) / f"{card.name}.tflite").read_bytes()
    except OSError as error:
        raise ModelError(
            f"model file {card.name}.tflite is missing from {PACKAGE}; install the package again"
        ) from error


def check_binding(profile: Profile) -> list[str]:
    """Return one readable fault for each wearable whose model is not there, or not made for where it is worn."""
    faults: list[str] = []
    for sensor, wearable in profile.wearables.items():
        where = f"profile {profile.name}: sensors.{sensor}"
        try:
            card = load_card(wearable.fall.model)
        except ModelError as error:
            faults.append(f"{where}.fall.model: {error}")
            continue
        if wearable.body_position not in card.body_positions:
            faults.append(
                f"{where}.body_position: model {card.label} is made for {' or '.join(card.body_positions)}, "
                f"not for the {wearable.body_position}; wear it there, or choose a model for it"
            )
    return faults


def _fault(card: ModelCard) -> str:
    if (card.rate_hz, card.channels) != (layout.RATE_HZ, layout.CHANNELS):
        return "is for other channels or another rate than this software makes"
    if (card.before_s, card.after_s) != (layout.BEFORE / layout.RATE_HZ, layout.AFTER / layout.RATE_HZ):
        return "is for another window than this software cuts"
    return ""
