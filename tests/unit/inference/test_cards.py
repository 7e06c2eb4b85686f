from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from agent.config_files import load_profile, shipped_profiles
from agent.errors import ModelError
from agent.inference import cards
from agent.inference.cards import ModelCard, check_binding, load_card, load_file
from agent.inference.channels import LIMIT, channels
from agent.inference.layout import RATE_HZ
from agent.inference.runner import make_interpreter
from agent.inference.worker import load_shipped
from agent.profiles import FallPolicy, Profile
from tests.unit.inference.motions import card
from training import dataset
from training.recordings import load
from training.words import DOCUMENT, words

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def shipped() -> ModelCard:
    return load_card("fall-waist")


SHIPPED = sorted(Path(entry.name).stem for entry in resources.files(cards.PACKAGE).iterdir() if ".tflite" in entry.name)


def test_every_model_has_a_card_and_every_card_a_model() -> None:
    names = {entry.name for entry in resources.files(cards.PACKAGE).iterdir()}
    assert sorted(Path(name).stem for name in names if name.endswith(".json")) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_card_and_file_agree(name: str) -> None:
    card = load_card(name)
    content = load_file(card)
    assert hashlib.sha256(content).hexdigest() == card.sha256
    assert len(content) == card.bytes <= 24 * 1024
    asked = make_interpreter(litert, content)
    ((into,), (out,)) = asked.get_input_details(), asked.get_output_details()
    assert np.prod(into["shape"]) == np.prod(card.input_shape)
    for port, says in ((into, card.input), (out, card.output)):
        assert port["dtype"] is np.int8
        scale, zero_point = port["quantization"]
        assert (np.float32(scale), zero_point) == (np.float32(says.scale), says.zero_point)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cards_numbers_do_not_contradict_each_other(name: str) -> None:
    card = load_card(name)
    lowest, highest = (np.array([-128, 127]) - card.output.zero_point) * card.output.scale
    assert lowest <= 0.0 < card.uncertain_above < card.threshold < highest <= 1.0
    assert card.input.scale * (127 - card.input.zero_point) >= LIMIT - card.input.scale
    assert card.input.scale * (128 + card.input.zero_point) >= LIMIT - card.input.scale
    shares = [card.comparison.false_triggers_suppressed, card.comparison.its_falls_lost]
    for figures in card.figures:
        shares += [figures.falls_called, figures.daily_life_without_call]
        assert figures.falls_without_trigger <= figures.falls_called.whole - figures.falls_called.part
    assert all(share.part <= share.whole for share in shares)
    assert card.trained_on.falls < card.trained_on.recordings <= card.trained_on.windows


@pytest.mark.data
def test_the_file_does_on_recordings_what_its_card_says(shipped: ModelCard) -> None:
    if not (DATA / "manifest.csv").exists():
        pytest.skip(f"no recordings in {DATA}")
    _, model = load_shipped(shipped.name)
    sisfall = [recording for recording in load(DATA) if recording.dataset == "SisFall"]
    claims = shipped.figures[0]
    for chosen, right, claim in (
        ([r for r in sisfall if r.is_fall][::12], True, claims.falls_called),
        ([r for r in sisfall if not r.is_fall][::24], False, claims.daily_life_without_call),
    ):
        windows = dataset.build(chosen)
        whole = np.flatnonzero(~windows.damaged)
        scores = [model.score(window) for window in channels(windows.exact[whole])]
        calling = {int(index) for index, score in zip(windows.recording[whole], scores, strict=True)
                   if score >= shipped.threshold}  # fmt: skip
        calling |= {int(index) for index in windows.recording[windows.damaged]} if right else set()
        agreeing = len(calling) if right else len(chosen) - len(calling)
        assert agreeing >= claim.part / claim.whole * len(chosen) - 2, f"{agreeing} of {len(chosen)}"


def test_the_shipped_model_is_for_waist_and_hip_and_says_what_it_is_not(shipped: ModelCard) -> None:
    assert shipped.body_positions == ("waist", "hip")
    assert "simulated" in shipped.limits[0]
    assert shipped.rate_hz == RATE_HZ


def test_the_shipped_model_reaches_its_target_out_of_fold(shipped: ModelCard) -> None:
    sisfall = shipped.figures[0]
    assert sisfall.falls_called.percent >= 99.5
    assert sisfall.daily_life_without_call.percent >= 99.0


def test_the_profiles_default_is_what_the_card_asks_for(shipped: ModelCard) -> None:
    policy = FallPolicy()
    assert policy.uncertain_above == shipped.uncertain_above < shipped.threshold
    assert policy.reference_g == shipped.comparison.threshold_g


def test_the_document_says_what_the_card_says(shipped: ModelCard) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == words(shipped), "run: python -m training.words"


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_every_shipped_profile_is_bound_to_a_model_that_fits(name: str) -> None:
    assert check_binding(load_profile(name)) == []


def _worn_at(position: str, model: str = "fall-waist") -> Profile:
    profile = load_profile("simulated-home")
    worn = profile.sensors["wearable"].model_copy(update={"body_position": position, "fall": FallPolicy(model=model)})
    return profile.model_copy(update={"sensors": {**profile.sensors, "wearable": worn}})


def test_a_model_used_where_it_does_not_work_is_refused() -> None:
    (fault,) = check_binding(_worn_at("wrist"))
    assert "sensors.wearable.body_position" in fault
    assert "waist or hip" in fault
    assert check_binding(_worn_at("hip")) == []


def test_a_model_that_is_not_shipped_is_refused() -> None:
    (fault,) = check_binding(_worn_at("waist", "no-such-model"))
    assert "no-such-model" in fault


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rate_hz": 25.0}, "rate"),
        ({"channels": ("x", "y", "z", "w")}, "channels"),
        ({"after_s": 3.5}, "window"),
    ],
)
def test_a_card_for_another_pipeline_is_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(ModelError, match=word):
        cards.parse_card(card(**change).model_dump_json().encode())


def test_a_card_under_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "parse_card", lambda _: card(name="other"))
    with pytest.raises(ModelError, match="card of other"):
        load_card("fall-waist")


def test_no_card_and_a_broken_card_are_model_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no model card"):
        load_card("no-such-model")
    monkeypatch.setattr(cards.ModelCard, "model_validate_json", lambda _: ModelCard.model_validate({}))
    with pytest.raises(ModelError, match="is no model card"):
        load_card("fall-waist")
