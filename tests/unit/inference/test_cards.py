from __future__ import annotations

import hashlib

import pytest

from agent.config_files import load_profile, shipped_profiles
from agent.errors import ModelError
from agent.inference import cards
from agent.inference.cards import ModelCard, check_binding, load_card, load_file
from agent.inference.layout import RATE_HZ
from agent.profiles import FallPolicy, Profile
from tests.unit.inference.motions import card
from training.words import DOCUMENT, words


@pytest.fixture(scope="module")
def shipped() -> ModelCard:
    return load_card("fall-waist")


def test_card_and_file_agree(shipped: ModelCard) -> None:
    content = load_file(shipped)
    assert hashlib.sha256(content).hexdigest() == shipped.sha256
    assert len(content) == shipped.bytes <= 24 * 1024


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
        ({"name": "other"}, "card of other"),
        ({"rate_hz": 25.0}, "rate"),
        ({"channels": ("x", "y", "z", "w")}, "channels"),
        ({"after_s": 3.5}, "window"),
    ],
)
def test_a_card_for_another_pipeline_is_refused(change: dict[str, object], word: str) -> None:
    assert word in cards._fault(card(**change), "fall-test")


def test_no_card_and_a_broken_card_are_model_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no model card"):
        load_card("no-such-model")
    monkeypatch.setattr(cards.ModelCard, "model_validate_json", lambda _: ModelCard.model_validate({}))
    with pytest.raises(ModelError, match="is no model card"):
        load_card("fall-waist")
