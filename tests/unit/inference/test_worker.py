from __future__ import annotations

import queue
import threading
from typing import Any

import numpy as np
import pytest

from agent.effects import Score
from agent.inference import worker as module
from agent.inference.cards import ModelCard
from agent.inference.layout import CHANNELS
from agent.inference.policy import Unasked
from agent.inference.runner import Broken
from agent.inference.worker import ModelWorker
from agent.readings import Item, ModelState, Scored, ScoringFailed
from tests.unit.inference.motions import card

WINDOW = np.zeros((200, len(CHANNELS)), dtype=np.float32)


class FakeModel:
    """Stands in for `runner.Model`."""

    runtime = "fake"

    def __init__(self, score: Any) -> None:
        self._score = score

    def score(self, window: Any) -> float:
        assert window is WINDOW
        return float(self._score())


class Posted:
    """A mailbox."""

    def __init__(self) -> None:
        self._items: queue.Queue[Item] = queue.Queue()

    def __call__(self, item: Item) -> None:
        self._items.put(item)

    def next(self) -> Item:
        return self._items.get(timeout=5)


def started(score: Any, posted: Posted) -> ModelWorker:
    def load(name: str) -> tuple[ModelCard, Any]:
        assert name == "fall-test"
        return card(), FakeModel(score)

    made = ModelWorker({"wearable": "fall-test"}, posted, load)
    made.start()
    return made


def ask(worker: ModelWorker, trigger: str = "t1") -> None:
    worker.submit(Score("wearable", trigger, WINDOW))


def test_it_says_that_the_model_is_there_and_answers() -> None:
    posted = Posted()
    worker = started(lambda: 0.8, posted)
    state = posted.next()
    assert isinstance(state, ModelState)
    assert (state.failing, state.name, state.sha256) == (False, "fall-test/1.0.0", "0" * 64)
    ask(worker)
    answer = posted.next()
    assert isinstance(answer, Scored)
    assert (answer.trigger_id, answer.score) == ("t1", 0.8)
    worker.stop()
    worker.stop()


def test_an_exception_is_an_answer_and_a_fault_and_the_thread_lives_on() -> None:
    posted = Posted()

    def fails() -> float:
        raise ZeroDivisionError("oh")

    worker = started(fails, posted)
    posted.next()
    ask(worker)
    answer, state = posted.next(), posted.next()
    assert isinstance(answer, ScoringFailed)
    assert answer.reason == Unasked.EXCEPTION
    assert isinstance(state, ModelState)
    assert state.failing
    ask(worker, "t2")
    again = posted.next()
    assert isinstance(again, ScoringFailed)
    assert again.trigger_id == "t2"
    worker.stop()


def test_a_model_that_can_not_be_loaded_is_told_with_its_code_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    posted, may_load = Posted(), threading.Event()

    def load(_: str) -> tuple[ModelCard, Any]:
        if not may_load.is_set():
            raise Broken(Unasked.WRONG_HASH, "not the one")
        return card(), FakeModel(lambda: 0.5)

    worker = ModelWorker({"wearable": "fall-test"}, posted, load)
    worker.start()
    first = posted.next()
    assert isinstance(first, ModelState)
    assert first.failing
    assert first.detail == "not the one"
    ask(worker)
    item = posted.next()
    while not isinstance(item, ScoringFailed):
        item = posted.next()
    assert item.reason == Unasked.WRONG_HASH
    may_load.set()
    while not isinstance(item, ModelState) or item.failing:
        item = posted.next()
    worker.stop()


def test_a_model_that_hangs_does_not_hold_up_the_core() -> None:
    posted, go_on = Posted(), threading.Event()

    def hangs() -> float:
        go_on.wait(10)
        return 0.5

    worker = started(hangs, posted)
    posted.next()
    for i in range(100):
        ask(worker, f"t{i}")
    refused = posted.next()
    assert isinstance(refused, ScoringFailed)
    assert refused.reason == Unasked.LATE
    go_on.set()
    worker.stop()


def test_a_sensor_without_a_model_is_answered() -> None:
    posted = Posted()
    worker = started(lambda: 0.5, posted)
    posted.next()
    worker.submit(Score("stranger", "t1", WINDOW))
    answer = posted.next()
    assert isinstance(answer, ScoringFailed)
    assert answer.reason == Unasked.NOT_LOADED
    worker.stop()


def test_a_name_that_is_not_shipped_is_a_missing_model() -> None:
    with pytest.raises(Broken) as raised:
        module.load_shipped("no-such-model")
    assert raised.value.code is Unasked.MODEL_MISSING
