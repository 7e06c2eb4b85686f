"""The report without the data: what it must say, whatever was judged."""

from __future__ import annotations

import re

import pytest

from agent.contract_readme import EVIDENCE
from tests.unit.training.made_up import CARD, THRESHOLD, daily, evaluation, fall, home, recording, trigger
from training.evaluate import cases
from training.evaluate.counts import Material, false_calls
from training.evaluate.judged import Judged
from training.evaluate.report import report
from training.evaluate.tables import percent, table
from training.evaluate.targets import targets
from training.evaluate.versus import versus
from training.words import soft_in_words


@pytest.fixture(scope="module")
def text() -> str:
    return report(evaluation())


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def test_the_first_lines_say_what_the_data_are_not(text: str) -> None:
    first = " ".join(text.split("\n## ", maxsplit=1)[0].split())
    assert first.index("What the data are not") < first.index("frozen threshold")
    for words in (
        "24 falls are acted",
        "nearly all of them under 30",
        "No real fall",
        "scripted and dense",
        "off or left",
    ):
        assert words in first


def test_it_is_the_same_for_the_same_judgements_in_any_order(text: str) -> None:
    judged = home()
    assert report(evaluation(judged)) == text
    turned = report(evaluation([*judged[5:23], *judged[:5], *judged[23:]]))
    assert section(turned, "The targets") == section(text, "The targets")


def test_no_place_is_left_open_and_no_line_is_a_number_gone_wrong(text: str) -> None:
    assert not re.search(r"\{\w+\}|\bnan\b|\binf\b|None", text)


def test_every_table_has_as_many_cells_in_each_row(text: str) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_every_missed_fall_and_every_false_call_has_a_row_with_a_trace(text: str) -> None:
    missed, false = section(text, "Every missed fall"), section(text, "Every false call")
    assert re.findall(r"\(traces/(\S+)\.svg\)", missed) == ["F01_P2_waist_20", "F01_P1_waist_21"]
    assert re.findall(r"\(traces/(\S+)\.svg\)", false) == ["D07_P3_waist_30"]
    assert (
        "| P3 | D07 sitting down on a chair and up, slowly | 5.0 s | 0.900 | peak 3 g, free fall 120 ms, posture 80° |"
        in false
    )
    assert "no trigger" in missed
    assert "not in the repository" in missed


def test_what_is_called_by_rule_is_told_apart(text: str) -> None:
    assert "The 1 recordings of daily life that the unit calls `unverified` by rule" in " ".join(text.split())
    waist = Material.of(home()).from_source(("SisFall", "waist"))
    assert false_calls(waist).events == 1


def test_counts_are_of_recordings_on_people_and_of_triggers_an_hour() -> None:
    judged = [fall(0.9), fall(0.2, number=2), daily(0.9, 0.8, 0.1), daily(0.1, number=2)]
    material = Material.of(judged)
    assert (material.falls_called(judged).hits, material.falls_called(judged).count) == (1, 2)
    assert (material.daily_life_quiet(judged).hits, material.daily_life_quiet(judged).count) == (1, 2)
    assert (false_calls(judged).events, false_calls(judged).hours) == (2, pytest.approx(0.02))


def test_a_fall_cut_at_its_end_is_called_and_daily_life_cut_so_counts_for_nothing() -> None:
    judged = [fall(None), daily(None)]
    material = Material.of(judged)
    assert material.falls_called(judged).hits == 1
    assert material.daily_life_quiet(judged).hits == 1
    assert false_calls(judged).events == 0
    assert judged[1].called_by_rule


def test_alike_recordings_widen_every_interval_of_their_source() -> None:
    same = [fall(0.9 if who % 2 else 0.1, subject=f"P{who}", number=n) for who in range(10) for n in range(10)]
    mixed = [fall(0.9 if n % 2 else 0.1, subject=f"P{who}", number=n) for who in range(10) for n in range(10)]
    wide, narrow = (Material.of(judged).falls_called(judged).interval for judged in (same, mixed))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    one = [judged for judged in same if judged.recording.subject == "P1"]
    assert Material.of(same).falls_called(one).interval.low < Material.of(one).falls_called(one).interval.low


def test_the_plain_sensor_is_counted_on_the_same_triggers() -> None:
    soft = trigger(0.9, peak_g=1.8)
    judged = [fall(0.9), fall(0.1, number=2), daily(0.1, 0.9, None)]
    judged[0] = type(judged[0])(judged[0].recording, (soft,))
    found = versus(Material.of(judged), judged, 2.13)
    assert (found.plain.sensitivity.hits, found.plain.sensitivity.count) == (1, 2)
    assert (found.suppressed.hits, found.suppressed.count) == (1, 2)
    assert (found.lost.hits, found.lost.count) == (1, 1)


def test_a_target_that_is_missed_is_said_to_be() -> None:
    judged = [fall(0.1 if n == 0 else 0.9, number=n) for n in range(20)] + [daily(0.1, age="older")]
    found = {target.what: target for target in targets(Material.of(judged), CARD, 2.13)}
    assert not found["SisFall: falls called"].met
    assert "**missed**" in found["SisFall: falls called"].verdict
    assert found["SisFall: daily life without a call"].verdict == "reached, though not beyond doubt"


@pytest.mark.parametrize(
    ("hits", "count", "words"),
    [(3, 3, "100.00 %"), (99_999, 100_000, "99.99 %"), (1, 100_000, "0.01 %"), (0, 5, "0.00 %"), (1, 3, "33.33 %")],
)
def test_no_share_is_rounded_to_all_or_to_none(hits: int, count: int, words: str) -> None:
    assert percent(hits, count) == words


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(["|a|"], [["1 | 2"]]).splitlines()[2] == "| 1 \\| 2 |"


def test_falls_of_older_people_are_counted_where_there_are_some() -> None:
    text = report(evaluation([*home(), fall(0.9, subject="P9", age="older")]))
    assert "Falls called of people of 60 and over: 1 of 1" in text
    assert "No fall of a person of 60" not in text


def test_missed_and_false_are_told_by_the_units_verdict_and_not_by_the_score() -> None:
    assert cases.missed_falls([fall(0.9), fall(THRESHOLD - 0.01), fall(None)])[0].triggers[0].score == THRESHOLD - 0.01
    assert not cases.with_false_calls([daily(None), daily(0.1)])


def test_what_second_looks_added_stands_apart() -> None:
    raised = Judged(recording(number=40), (trigger(0.6),), raised=True, looks=("lying_since_impact",))
    walked = Judged(recording("P2", is_fall=True, number=41), (trigger(0.9),), looks=("up_and_walking",))
    found = section(report(evaluation([*home(), raised, walked])), "The second look")
    assert "| SisFall, waist, falls | 23 | 21 | 0 | 0 | 1 |" in found
    assert "| SisFall, waist, daily life | 63 | 2 | 1 | 0 | 0 |" in found


def test_a_doctor_reads_of_the_soft_trigger_and_of_what_passes_for_a_dropped_sensor(text: str) -> None:
    words = " ".join(section(text, "What a doctor should know").split())
    assert soft_in_words(CARD) in words
    assert "whose heart stops would be taken for that, too" in words


def test_a_data_protection_officer_finds_every_number_that_can_leave(text: str) -> None:
    words = section(text, "What leaves the home")
    assert all(f"`{name}`" in words for name in EVIDENCE)
    assert "a technician fetches it" in words
