from __future__ import annotations

import math
import re

import numpy as np
import pytest

from agent.assessment import Verdict
from agent.inference import reasons as r
from agent.inference.evidence import MOST_SHOCK, evidence, largest_shock
from agent.inference.policy import Unasked
from agent.inference.reasons import Reason, Sign, reasons
from agent.texts import Text
from tests.unit.inference.motions import Floats, fall, jolts, times


def window(made: Floats, impact: int = 300) -> Floats:
    return made[impact - 75 : impact + 125]


def of_fall() -> dict[str, float]:
    t = times(12, start=0.0)
    return evidence(window(fall(t, 6.0)), 4.0, 75, 124)


def of_walking() -> dict[str, float]:
    t = times(12, start=0.0)
    return evidence(window(jolts(t), 315), 2.5, 75, 124)


def texts(verdict: Verdict, numbers: dict[str, float], unasked: Unasked | None = None) -> list[str]:
    return [reason.text().en for reason in reasons(verdict, numbers, unasked)]


def test_evidence_of_a_fall() -> None:
    numbers = of_fall()
    assert numbers["free_fall_ms"] == pytest.approx(300, abs=20)
    assert numbers["posture_deg"] == pytest.approx(90, abs=1)
    assert numbers["still_s"] > 2.3
    assert numbers["moving_g"] < 0.01


def test_a_fall_is_told_in_the_words_of_the_contract() -> None:
    told = texts(Verdict.CONFIRMED, of_fall())
    assert told[0] == "impact 4 g"
    assert told[1] == "free fall 300 ms"
    assert told[2] == "posture changed 90 degrees"
    assert re.fullmatch(r"lying still 2\.\d s", told[3])


def test_a_suppression_says_what_spoke_against() -> None:
    assert texts(Verdict.FALSE_ALARM, of_walking()) == [
        "impact 2.5 g", "moved on after the impact", "posture unchanged", "no free fall",
    ]  # fmt: skip


def test_uncertain_says_so() -> None:
    assert texts(Verdict.UNCERTAIN, of_walking())[1] == "close to the threshold"


def test_a_call_without_a_stateable_reason_says_so() -> None:
    numbers = {"peak_g": 2.0, "free_fall_ms": 80.0, "posture_deg": 40.0, "moving_g": 0.1, "still_s": 0.6}
    (told,) = reasons(Verdict.CONFIRMED, numbers)[1:]
    assert told.text().en == "the model confirms a fall, but beside the impact no sign explains it"
    assert told.text().da == "modellen bekræfter et fald, men ud over stødet er der intet tegn, der forklarer det"
    assert texts(Verdict.FALSE_ALARM, numbers)[1:] == ["the model sees no fall, but no single sign explains it"]


def test_a_call_to_be_phoned_first_says_why() -> None:
    assert "moved on after the impact" in texts(Verdict.CONFIRMED, of_walking())
    near = reasons(Verdict.CONFIRMED, of_fall(), near=True)
    assert near[-1].text() == Text("tæt på grænsen", "close to the threshold")


def test_a_suppression_says_what_spoke_for_a_fall_too() -> None:
    numbers = {"peak_g": 2.0, "free_fall_ms": 0.0, "posture_deg": 88.0, "moving_g": 0.01, "still_s": 2.0}
    assert texts(Verdict.FALSE_ALARM, numbers) == [
        "impact 2 g", "no free fall", "posture changed 88 degrees", "lying still 2 s",
    ]  # fmt: skip


def test_why_the_model_was_not_asked_comes_first() -> None:
    assert texts(Verdict.UNVERIFIED, of_fall(), Unasked.LATE)[0] == "the model answered too late"


def test_a_shock_is_the_speed_that_it_can_make() -> None:
    xyz = np.tile([0.0, 1.0, 0.0], (200, 1))
    assert largest_shock(xyz, 75, 124) == 0.0
    xyz[75:80] *= 11.0
    assert largest_shock(xyz, 75, 124) == pytest.approx(5 * 10 * 9.81 / 50)  # 10 g over 1 g for 0.1 s: 9.8 m/s
    xyz[77] = 0.0
    assert largest_shock(xyz, 75, 124) == pytest.approx(2 * 10 * 9.81 / 50)  # two shocks: the harder one counts
    assert largest_shock(window(fall(times(12, start=0.0), 6.0)), 75, 124) < MOST_SHOCK


def test_no_fall_at_home_is_harder_than_one_from_over_three_metres() -> None:
    assert pytest.approx(math.sqrt(2 * 9.81 * 3.3), abs=0.1) == MOST_SHOCK


@pytest.mark.parametrize(("g", "ms"), [(0.59, 200), (0.61, 0)])
def test_free_fall_is_less_than_six_tenths_of_gravity(g: float, ms: float) -> None:
    xyz = np.tile([0.0, 1.0, 0.0], (200, 1))
    xyz[60:70] *= g
    assert evidence(xyz, 2.0, 75, 124)["free_fall_ms"] == ms


@pytest.mark.parametrize(("by_g", "still_s"), [(0.11, 2.46), (0.13, 1.0)])
def test_still_is_less_than_a_breath_of_movement(by_g: float, still_s: float) -> None:
    xyz = np.tile([0.0, 1.0, 0.0], (200, 1))
    xyz[149] *= 1 + by_g  # fifty samples before the end of what was measured
    assert evidence(xyz, 2.0, 75, 124)["still_s"] == pytest.approx(still_s, abs=0.03)


def test_half_a_second_after_the_fall_has_settled_is_the_least_that_says_anything() -> None:
    xyz = np.tile([0.0, 1.0, 0.0], (200, 1))
    assert set(evidence(xyz, 2.0, 75, 73)) == {"peak_g", "free_fall_ms"}
    assert set(evidence(xyz, 2.0, 24, 74)) == {"peak_g", "free_fall_ms", "moving_g", "still_s"}
    assert set(evidence(xyz, 2.0, 25, 74)) == {"peak_g", "free_fall_ms", "moving_g", "still_s", "posture_deg"}


@pytest.mark.parametrize(("moving_g", "still_s", "moved"), [(0.15, 0.4, True), (0.149, 0.4, False), (0.15, 0.5, False)])
def test_who_moved_on_moved_and_was_not_still_at_the_end(moving_g: float, still_s: float, *, moved: bool) -> None:
    assert r.has_moved_on({"moving_g": moving_g, "still_s": still_s}) == moved


def test_held_samples_are_no_shock() -> None:
    xyz = np.tile([0.0, 4.0, 0.0], (200, 1))
    xyz[50:100] = [0.0, 1.0, 0.0]
    assert largest_shock(xyz, 20, 20) == 0.0
    assert largest_shock(xyz, 75, 124) > MOST_SHOCK


def test_held_samples_are_no_stillness() -> None:
    t = times(12, start=0.0)
    made = window(fall(t, 6.0))
    numbers = evidence(made, 4.0, 75, 50)
    assert "still_s" not in numbers
    assert "posture_deg" not in numbers
    assert texts(Verdict.CONFIRMED, numbers) == ["impact 4 g", "free fall 300 ms"]
    assert evidence(made, 4.0, 0, 124)["free_fall_ms"] == 0
    assert "posture_deg" not in evidence(made, 4.0, 0, 124)


def test_no_reason_claims_more_than_the_evidence_or_its_opposite() -> None:
    rng = np.random.default_rng(5)
    for _ in range(500):
        numbers = {
            "peak_g": float(rng.uniform(1.6, 9)),
            "free_fall_ms": float(rng.integers(0, 30) * 20),
            "posture_deg": float(rng.uniform(0, 180)),
            "moving_g": float(rng.exponential(0.2)),
            "still_s": float(rng.integers(0, 124) / 50),
        }
        for_it, against = {x.code for x in r.signs_for(numbers)}, {x.code for x in r.signs_against(numbers)}
        assert not (for_it & {Sign.LYING, Sign.STILL} and Sign.MOVED_ON in against)
        assert not (for_it & {Sign.TURNED, Sign.LYING} and Sign.UNTURNED in against)
        assert not (Sign.FREE_FALL in for_it and Sign.NO_FREE_FALL in against)
        for reason in r.signs_for(numbers):
            if reason.code in (Sign.LYING, Sign.STILL):
                assert reason.number is not None
                assert reason.number <= numbers["still_s"] + 1e-9
            if reason.code is Sign.TURNED:
                assert reason.number is not None
                assert reason.number <= numbers["posture_deg"]


@pytest.mark.parametrize("code", [*Sign, *Unasked])
def test_every_reason_has_words_in_both_languages(code: Sign | Unasked) -> None:
    english, danish = Reason(code, 1.5).text().en, Reason(code, 1.5).text().da
    assert english != danish
    assert "1.5" not in danish
    assert ("1.5" in english) == ("1,5" in danish)
