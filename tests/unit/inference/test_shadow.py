"""A candidate beside the live model: whatever it does, the live answer is the same, and not a moment later."""

from __future__ import annotations

import queue
import threading
from typing import Any

import numpy as np
import pytest

from agent.deadlines import LIMITS
from agent.effects import Score
from agent.inference.cards import ModelCard
from agent.inference.layout import CHANNELS
from agent.inference.runner import Model
from agent.inference.shadow import NOT_COMPARED, ShadowWorker
from agent.inference.worker import ModelWorker
from agent.models.folder import Candidate, Files
from agent.readings import Item, ModelState, Scored, ScoringFailed, ShadowScored, ShadowState
from tests.unit.inference.motions import card
from tests.waiting import eventually

WINDOW = np.zeros((200, len(CHANNELS)), dtype=np.float32)
CANDIDATE = Candidate("fall-test-2.0.0", card(0.5, version="2.0.0"), Files(b"", b"", b""))
MANY = 30


class Fake:
    """Stands in for `runner.Model`."""

    runtime = "fake"

    def __init__(self, score: Any) -> None:
        self._score = score

    def score(self, _: Any) -> float:
        return float(self._score())


class Bench:
    """A model worker with a shadow, and its mailbox. `shadow` is what the candidate's score is made by."""

    def __init__(self, shadow: Any, live: Any = lambda: 0.9, *, load: Any = None) -> None:
        self.posted: queue.Queue[Item] = queue.Queue()
        made = load or (lambda _: Fake(shadow))
        self.candidate = ShadowWorker("fall-test-2.0.0", lambda: CANDIDATE, self.posted.put, made)

        def load_live(_: str) -> tuple[ModelCard, Model]:
            return card(), Fake(live)  # type: ignore[return-value]  # because it answers like one

        self.worker = ModelWorker({"wearable": "fall-test"}, self.posted.put, load_live, shadow=self.candidate)
        self.worker.start()

    def ask(self, number: int) -> None:
        self.worker.submit(Score("wearable", f"t{number}", WINDOW))

    def until(self, kind: type[Any], count: int = 1) -> list[Item]:
        """Return what was posted until so many of a kind were."""
        items: list[Item] = []
        while sum(isinstance(item, kind) for item in items) < count:
            items.append(self.posted.get(timeout=5))
        return items


def raises() -> float:
    raise RuntimeError("the candidate is broken")


@pytest.mark.parametrize(
    "shadow",
    [lambda: 0.0, lambda: 0.99, raises, lambda: float("nan"), lambda: 7.0],
    ids=["no", "yes", "raises", "nan", "odd"],
)
def test_the_live_answers_are_the_same_whatever_the_shadow_says(shadow: Any) -> None:
    bench = Bench(shadow)
    bench.until(ShadowState)
    for number in range(MANY):
        bench.ask(number)
    items = bench.until(ShadowScored, MANY)
    assert [(item.trigger_id, item.score) for item in items if isinstance(item, Scored)] == [
        (f"t{number}", 0.9) for number in range(MANY)
    ]
    assert not [item for item in items if isinstance(item, ScoringFailed | ModelState)]
    bench.worker.stop()


def test_a_shadow_is_asked_only_when_the_live_answer_is_out() -> None:
    seen: list[bool] = []
    bench = Bench(lambda: seen.append(any(isinstance(i, Scored) for i in list(bench.posted.queue))) or 0.1)
    bench.until(ShadowState)
    bench.ask(1)
    eventually(lambda: seen)
    assert seen == [True]
    assert bench.until(ShadowScored)[-1] == ShadowScored(live=True, shadow=False, score=0.1)
    bench.worker.stop()


def test_the_shadow_is_not_loaded_before_the_live_model_is() -> None:
    loaded = threading.Event()
    bench = Bench(lambda: 0.5, load=lambda _: (loaded.set(), Fake(lambda: 0.5))[1])
    items = bench.until(ShadowState)
    assert isinstance(items[0], ModelState)
    bench.worker.stop()


def test_a_shadow_that_hangs_keeps_no_live_answer_and_is_given_up() -> None:
    go_on = threading.Event()
    bench = Bench(lambda: go_on.wait(10))
    bench.until(ShadowState)
    for number in range(MANY):
        bench.ask(number)
    items = bench.until(Scored, MANY)
    assert not [item for item in items if isinstance(item, ScoringFailed)]
    eventually(lambda: bench.worker.busy_since() is None)
    eventually(lambda: bench.candidate.busy_since() is not None)
    bench.candidate.give_up(LIMITS.of("shadow"))
    items += bench.until(ShadowState)
    bench.ask(MANY)
    items += bench.until(Scored)
    eventually(lambda: sum(i == NOT_COMPARED for i in [*items, *list(bench.posted.queue)]) == MANY + 1)
    go_on.set()  # and when it wakes up all the same, its answer is no longer wanted
    eventually(lambda: bench.candidate.busy_since() is None)
    assert not [item for item in bench.posted.queue if item == ShadowScored(live=True, shadow=True, score=1.0)]
    bench.worker.stop()


@pytest.mark.parametrize("error", [RuntimeError("no"), MemoryError()])
def test_a_shadow_that_can_not_be_loaded_is_told_and_not_compared(error: Exception) -> None:
    def load(_: Candidate) -> Model:
        raise error

    bench = Bench(None, load=load)
    (told,) = [item for item in bench.until(ShadowState) if isinstance(item, ShadowState)]
    assert (told.failing, told.name) == (True, "fall-test-2.0.0")
    bench.ask(1)
    items = bench.until(ShadowScored)
    assert [type(item) for item in items] == [Scored, ShadowScored]
    assert items[-1] == NOT_COMPARED
    bench.worker.stop()


def test_what_the_live_model_could_not_answer_is_not_compared_but_scored() -> None:
    bench = Bench(lambda: 0.2, live=raises)
    bench.until(ShadowState)
    bench.ask(1)
    items = bench.until(ShadowScored)
    assert [type(item) for item in items] == [ScoringFailed, ModelState, ShadowScored]
    assert items[-1] == ShadowScored(live=None, shadow=False, score=0.2)
    bench.worker.stop()


@pytest.mark.parametrize(("score", "calls"), [(0.5, True), (0.499, False)])
def test_a_shadow_calls_from_its_own_threshold_on(score: float, *, calls: bool) -> None:
    bench = Bench(lambda: score)
    bench.until(ShadowState)
    bench.ask(1)
    assert bench.until(ShadowScored)[-1] == ShadowScored(live=True, shadow=calls, score=score)
    bench.worker.stop()
    eventually(lambda: not bench.candidate._thread.is_alive())  # it ends with the worker


@pytest.mark.parametrize("score", [float("nan"), 7.0, -0.1])
def test_a_shadow_whose_score_is_none_is_told_and_asked_no_more(score: float) -> None:
    bench = Bench(lambda: score)
    bench.until(ShadowState)
    bench.ask(1)
    items = bench.until(ShadowState)
    assert NOT_COMPARED in items
    assert isinstance(items[-1], ShadowState)
    assert (items[-1].failing, "no share of one" in items[-1].detail) == (True, True)
    bench.worker.stop()


@pytest.mark.parametrize("score", [float("nan"), 7.0])
def test_a_live_score_that_is_none_is_not_compared_either(score: float) -> None:
    bench = Bench(lambda: 0.2, live=lambda: score)
    bench.until(ShadowState)
    bench.ask(1)
    assert bench.until(ShadowScored)[-1] == ShadowScored(live=None, shadow=False, score=0.2)
    bench.worker.stop()


def test_a_worker_in_place_of_one_that_hangs_goes_on_with_the_same_shadow() -> None:
    go_on = threading.Event()
    first = threading.Event()
    bench = Bench(lambda: 0.2, live=lambda: 0.9 if first.is_set() else (first.set(), go_on.wait(10), 0.9)[2])
    bench.until(ShadowState)
    bench.ask(1)
    eventually(first.is_set)
    bench.worker = bench.worker.anew()
    bench.ask(2)
    items = bench.until(ShadowScored)
    assert [item.trigger_id for item in items if isinstance(item, Scored)] == ["t2"]
    assert len([item for item in items if isinstance(item, ShadowState)]) == 0  # it was loaded once
    go_on.set()
    bench.worker.stop()
