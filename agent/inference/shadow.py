"""The thread that asks a candidate model about the windows that the live one has answered, and only counts.

Rules of this file: it can't reach a decision. It is asked after the live answer has gone out, in a thread of its own,
through a queue that never blocks whoever fills it; what it posts, the core only counts. However it fails (it hangs,
raises, is slow, can't be loaded), the window counts as not compared, and one that hung or raised is not asked again
before the next start.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from agent.errors import ModelError
from agent.inference.runner import Model
from agent.models.folder import Candidate
from agent.readings import ShadowScored, ShadowState
from agent.sensors.driver import Post

_LOG = structlog.get_logger()
_BACKLOG = 8
NOT_COMPARED = ShadowScored(None, None, None)
_Asked = tuple[Any, bool | None]

Load = Callable[[Candidate], Model]


def load_candidate(candidate: Candidate) -> Model:
    """Load a model that was checked; Broken says what is wrong with it."""
    return Model(candidate.card, candidate.files.model)


class ShadowWorker:
    """Asks the model `name`. `find` checks and returns it, in this thread; `post` takes what the core counts."""

    def __init__(self, name: str, find: Callable[[], Candidate], post: Post, load: Load = load_candidate) -> None:
        self._name, self._find, self._post, self._load = name, find, post, load
        self._queue: queue.Queue[_Asked | None] = queue.Queue(maxsize=_BACKLOG)
        self._given_up = False
        self._asking = False
        self._busy_since: float | None = None
        self._started = False
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to check and load. May be called again; never raises."""
        if self._started:
            return
        self._started = True
        try:
            self._thread.start()
        except RuntimeError as error:  # no further thread: whoever starts us must go on
            self._end(str(error))

    def submit(self, window: Any, live: bool | None) -> None:  # noqa: FBT001 - what the live model said, None: nothing
        """Ask about a window that the live model has answered with `live` (a call or none); never blocks or raises."""
        if not self._given_up:
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait((window, live))
                return
        self._post(NOT_COMPARED)

    def busy_since(self) -> float | None:
        """Return the monotonic second since which the model is being loaded or asked, or None if the thread waits."""
        return self._busy_since

    def give_up(self, seconds: float) -> None:
        """Leave a model that hangs behind, until the next start."""
        if self._asking:
            self._post(NOT_COMPARED)
        self._end(f"it has not answered for {seconds:.0f} s")

    def stop(self) -> None:
        """End the thread after the window at hand. Waits for nothing: it is a daemon."""
        self._given_up = True
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the trial, and nothing else
            if not self._given_up:
                if self._asking:
                    self._post(NOT_COMPARED)
                self._end(str(error) if isinstance(error, ModelError) else f"{type(error).__name__}: {error}")
        self._busy_since = None

    def _work(self) -> None:
        self._busy_since = time.monotonic()
        candidate = self._find()
        card, model = candidate.card, self._load(candidate)
        _LOG.info("shadow_loaded", model=card.label, runtime=model.runtime)
        self._post(ShadowState(card.label, card.sha256, failing=False, detail=model.runtime))
        while not self._given_up:
            self._asking, self._busy_since = False, None
            asked = self._queue.get()
            if asked is None:
                return
            self._asking, self._busy_since = True, time.monotonic()
            window, live = asked
            score = model.score(window)
            if not 0.0 <= score <= 1.0:  # false for NaN as well
                raise ModelError(f"its score is {score}, and no share of one")
            if not self._given_up:
                self._post(ShadowScored(live, score >= card.threshold, score))

    def _end(self, why: str) -> None:
        """Ask no more: what waits, and what comes, is not compared."""
        self._given_up = True
        _LOG.error("shadow_failing", model=self._name, detail=why)
        self._post(ShadowState(self._name, None, failing=True, detail=why))
        with contextlib.suppress(queue.Empty):
            while True:
                if self._queue.get_nowait() is not None:
                    self._post(NOT_COMPARED)
