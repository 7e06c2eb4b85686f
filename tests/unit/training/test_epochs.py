"""What a training is shown beside the triggers, on made-up windows."""

from __future__ import annotations

import numpy as np
import pytest

from agent.inference import channels, layout
from training import augment, epochs
from training.dataset import MARGIN, Windows
from training.epochs import Material

WIDE = layout.LENGTH + 2 * MARGIN
IMPACT = MARGIN + layout.BEFORE
STANDING, LYING = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


def lying_down(blow_g: float = 2.0) -> np.ndarray:
    wide = np.where(np.arange(WIDE)[:, None] < IMPACT, STANDING, LYING).astype(np.float64)
    wide[IMPACT] *= blow_g
    return wide[None]


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_played_backwards_the_impact_is_where_it_was_and_what_came_after_comes_before() -> None:
    back = augment.backwards(lying_down())[0]
    assert back.shape == (WIDE, 3)
    assert int(np.abs(back).sum(axis=1).argmax()) == IMPACT
    np.testing.assert_array_equal(back[:IMPACT], np.tile(LYING, (IMPACT, 1)))
    np.testing.assert_array_equal(back[IMPACT + 1 :], np.tile(STANDING, (WIDE - IMPACT - 1, 1)))


def test_made_brisker_a_blow_is_harder_and_the_posture_the_same() -> None:
    brisk = np.concatenate([augment.brisker(lying_down(), random(seed)) for seed in range(20)])
    blows = brisk[:, IMPACT, 1]
    assert blows.min() >= 2.0
    assert 2.1 < blows.mean() < 2.5
    np.testing.assert_allclose(brisk[:, 10], np.tile(STANDING, (20, 1)))
    np.testing.assert_allclose(brisk[:, -10], np.tile(LYING, (20, 1)))


def test_slowed_the_impact_stays_in_its_place_and_what_was_fast_is_softer() -> None:
    falling = lying_down(4.0)
    falling[0, IMPACT - 20 : IMPACT] *= 0.2
    slow = np.concatenate([augment.slowed(falling, random(seed)) for seed in range(20)])
    weightless = (np.sqrt((slow * slow).sum(axis=-1)) < 0.6).sum(axis=1)
    assert np.abs(slow[:, :, 1]).argmax(axis=1).tolist() == [IMPACT] * 20
    assert slow[:, IMPACT, 1].max() <= 4.0
    assert slow[:, IMPACT, 1].min() < 3.2
    assert weightless.min() >= 20
    assert weightless.max() > 24


def material(*labels: int, recordings: tuple[int, ...], faint_of: tuple[int, ...]) -> Material:
    """Windows that end lying, each with a blow that tells its recording."""

    def windows(recording: tuple[int, ...], label: tuple[int, ...]) -> Windows:
        wide = np.concatenate([lying_down(10.0 * (1 + number)) for number in recording])
        none = np.zeros(len(recording))
        return Windows(wide, np.array(recording), none, none, none.astype(np.bool_), np.array(label, dtype=np.int8))

    triggers = windows(recordings, labels)
    turns = (triggers.label == 0) & (epochs.turned_deg(triggers.exact) > 30)
    count = 1 + max((*recordings, *faint_of))
    return Material(triggers, turns, windows(faint_of, (0,) * len(faint_of)), np.ones(count))


def test_the_posture_of_a_window_is_compared_from_its_beginning_to_its_end() -> None:
    exact = lying_down()[:, MARGIN : MARGIN + layout.LENGTH]
    assert epochs.turned_deg(exact)[0] == pytest.approx(90.0)
    assert epochs.turned_deg(np.tile(STANDING, (1, layout.LENGTH, 1)))[0] == pytest.approx(0.0)


def test_an_epoch_has_the_triggers_and_changes_of_posture_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "_BACKWARDS", 1.0)
    x, label, weight = epochs.epoch(
        material(1, 0, recordings=(0, 1), faint_of=(2,)), np.ones(3, dtype=np.bool_), random()
    )
    assert x.shape == (5, layout.LENGTH, 1, len(layout.CHANNELS))  # a fall, daily life, a faint one, two backwards
    assert sorted(label.tolist()) == [0, 0, 0, 0, 1]
    assert weight[label == 1].tolist() == [2.0]
    assert weight[label == 0].tolist() == [1.0] * 4


def test_who_is_not_chosen_lends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "_BACKWARDS", 1.0)
    monkeypatch.setattr(epochs, "augment", lambda wide, _: wide[:, MARGIN : MARGIN + layout.LENGTH])
    monkeypatch.setattr(epochs, "brisker", lambda wide, _: wide)
    monkeypatch.setattr(epochs, "slowed", lambda wide, _: wide)
    lent = material(1, 0, 1, 0, recordings=(0, 1, 2, 3), faint_of=(4, 5))
    chosen = np.array([True, True, False, False, False, True])
    x, _, _ = epochs.epoch(lent, chosen, random())
    blows = x[:, layout.BEFORE, 0, 0]
    seen = {number for number in range(6) if np.isclose(blows, channels.compressed(10.0 * (1 + number) - 1)).any()}
    assert seen == {0, 1, 5}


def test_a_recording_counts_as_much_as_its_weight_says() -> None:
    lent = material(1, 0, recordings=(0, 1), faint_of=(1,))
    lent.weight[:] = (3.0, 1.5)
    _, label, weight = epochs.epoch(lent, np.ones(2, dtype=np.bool_), random())
    assert weight[label == 1].tolist() == [6.0]
    assert weight.max() == 6.0
    assert 1.5 in weight[label == 0]
