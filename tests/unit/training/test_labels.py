"""Which window of a made-up recording shows a fall, and which a getting up."""

from __future__ import annotations

import numpy as np
import pytest

from training import dataset
from training.recordings import Recording

STANDING, LYING = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
DOWN_S, UP_S, LASTS_S = 5.0, 11.0, 16.0


def acted(blows: dict[float, float], *, is_fall: bool = True, up_s: float = UP_S) -> Recording:
    """Standing, lying from `DOWN_S` to `up_s`, standing again, with a blow of so many g at some times."""
    t = np.arange(round(LASTS_S * 50)) / 50
    xyz = np.where(((t >= DOWN_S) & (t < up_s))[:, None], LYING, STANDING).astype(np.float64)
    for at, peak_g in blows.items():
        xyz[round(at * 50)] *= peak_g
    hardest = max(blows, key=lambda at: blows[at])
    return Recording("made", "SisFall", "A", "young", "waist", "made", is_fall, 0, 50.0, hardest, LASTS_S, xyz)


def labels(recording: Recording) -> list[tuple[float, int]]:
    windows = dataset.build([recording])
    return list(zip(windows.impact_s.round(1).tolist(), windows.label.tolist(), strict=True))


def test_the_fall_is_where_the_blow_is_hardest_and_the_getting_up_is_daily_life() -> None:
    assert labels(acted({DOWN_S: 4.0, UP_S: 2.5})) == [(DOWN_S, 1), (UP_S, 0)]


@pytest.mark.parametrize("again_s", [UP_S, UP_S + 3.0])
def test_who_gets_up_or_steps_harder_than_they_fell_fell_all_the_same(again_s: float) -> None:
    found = labels(acted({DOWN_S: 2.5, again_s: 4.0}))
    assert found[0] == (DOWN_S, 1)
    assert found[1] == (again_s, 0 if again_s == UP_S else -1)


def test_a_fall_that_ends_as_it_began_is_the_one_that_there_is() -> None:
    assert labels(acted({DOWN_S: 4.0}, up_s=DOWN_S + 0.5)) == [(DOWN_S, 1)]


def test_a_getting_up_alone_is_no_fall() -> None:
    assert labels(acted({UP_S: 4.0})) == [(UP_S, 0)]


def test_a_blow_while_somebody_lies_is_the_fall_where_it_is_the_hardest_and_is_not_learnt_from_else() -> None:
    assert labels(acted({DOWN_S: 2.5, 8.0: 4.0})) == [(DOWN_S, -1), (8.0, 1)]
    assert labels(acted({DOWN_S: 4.0, 8.0: 2.5})) == [(DOWN_S, 1), (8.0, -1)]


def test_daily_life_is_daily_life_whichever_way_it_leads() -> None:
    assert labels(acted({DOWN_S: 2.5, UP_S: 4.0}, is_fall=False)) == [(DOWN_S, 0), (UP_S, 0)]


def test_what_is_below_the_trigger_is_found_where_the_posture_changed_in_daily_life_only() -> None:
    soft = {DOWN_S: 1.2, UP_S: 1.3, 8.0: 1.3}
    assert dataset.build_faint([acted(soft, is_fall=False)]).impact_s.round(1).tolist() == [DOWN_S, UP_S]
    both = dataset.build_faint([acted({**soft, DOWN_S: 3.0}, is_fall=False), acted(soft)])
    assert both.impact_s.round(1).tolist() == [UP_S]
    assert both.label.tolist() == [0]
