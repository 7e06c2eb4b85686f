"""The thread that owns the models: loads them after start, answers `Score` with `Scored` or `ScoringFailed`.

Rules of this file: a thin shell around `runner.Model`; no exception ends the thread. It decides nothing: a score that
comes too late is posted all the same, and a model that hangs is answered by the core's own deadline. A shadow is
handed a window only after the live answer has gone out.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping

import structlog

from agent.effects import Score
from agent.errors import ModelError
from agent.inference.cards import ModelCard, load_card, load_file
from agent.inference.policy import Unasked
from agent.inference.runner import Broken, Model
from agent.inference.shadow import ShadowWorker
from agent.readings import ModelState, Scored, ScoringFailed
from agent.sensors.driver import Post

_LOG = structlog.get_logger()
RETRY_S = 60.0
"""A model that can't be used is tried again this often: memory may have been short, a package half installed."""
_BACKLOG = 64

Load = Callable[[str], tuple[ModelCard, Model]]


def load_shipped(name: str) -> tuple[ModelCard, Model]:
    """Load the model that is shipped as `name`; ModelError says what is wrong with it."""
    try:
        card = load_card(name)
        content = load_file(card)
    except ModelError as error:
        raise Broken(Unasked.MODEL_MISSING, str(error)) from error
    return card, Model(card, content)


class ModelWorker:
    """Models for sensors. `models` is the model's name by sensor; `post` takes the answers, from this thread.

    `refused` says by sensor why its model is not the one that was promoted; it is told with the model's state.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        post: Post,
        load: Load = load_shipped,
        refused: Mapping[str, str] | None = None,
        shadow: ShadowWorker | None = None,
    ) -> None:
        self._names, self._post, self._load = dict(models), post, load
        self._refused, self.shadow = dict(refused or {}), shadow
        self._queue: queue.Queue[Score | None] = queue.Queue(maxsize=_BACKLOG)
        self._loaded: dict[str, tuple[ModelCard, Model]] = {}
        self._broken: dict[str, Broken] = {}
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Begin to load; answers come through `post`."""
        self._thread.start()

    def anew(self) -> ModelWorker:
        """Return a running worker of the same models, to take the place of this one, which hangs."""
        other = ModelWorker(self._names, self._post, self._load, self._refused, self.shadow)
        other.start()
        return other

    def submit(self, request: Score) -> None:
        """Ask the model; never blocks. A full queue (a model that hangs) is a `ScoringFailed` at once."""
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            self._post(ScoringFailed(request.trigger_id, Unasked.LATE.value, f"{_BACKLOG} windows wait for the model"))

    def busy_since(self) -> float | None:
        """Return the monotonic second since which a model is being loaded or asked, or None if the thread waits."""
        return self._busy_since

    def stop(self) -> None:
        """End the thread after the window at hand; waits at most a second. May be called twice."""
        if self.shadow is not None:
            self.shadow.stop()
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # it hangs; as a daemon thread it ends with the process
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        self._load_all()
        if self.shadow is not None:
            self.shadow.start()
        while True:
            self._busy_since = None
            try:
                request = self._queue.get(timeout=RETRY_S if self._broken else None)
            except queue.Empty:
                self._load_all()
                continue
            if request is None:
                return
            self._busy_since = time.monotonic()
            self._answer(request)

    def _load_all(self) -> None:
        self._busy_since = time.monotonic()
        for name in sorted(set(self._names.values()) - set(self._loaded)):
            try:
                card, model = self._load(name)
            except Exception as error:  # noqa: BLE001 - a broken model must not end the thread that would retry it
                self._fail(name, error)
                continue
            self._loaded[name] = (card, model)
            self._broken.pop(name, None)
            _LOG.info("model_loaded", model=card.label, runtime=model.runtime)
            self._tell(name, failing=False, detail=f"{card.label} on {model.runtime}", card=card)

    def _answer(self, request: Score) -> None:
        name = self._names.get(request.sensor, "")
        try:
            began = time.monotonic()
            score = self._model(name).score(request.window)
            answer = Scored(request.trigger_id, score, time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - whatever it is, the core must hear that no score comes
            self._post(ScoringFailed(request.trigger_id, _code(error).value, _detail(error)))
            if name in self._loaded:
                del self._loaded[name]
                self._fail(name, error)
            self._compare(request, None)
            return
        self._post(answer)
        usable = 0.0 <= score <= 1.0  # false for NaN as well: the policy calls then, and the model said nothing
        self._compare(request, score >= self._loaded[name][0].threshold if usable else None)

    def _compare(self, request: Score, live: bool | None) -> None:  # noqa: FBT001 - what the model said, None: nothing
        if self.shadow is not None:
            self.shadow.submit(request.window, live)

    def _model(self, name: str) -> Model:
        if name not in self._loaded:
            raise self._broken.get(name) or Broken(Unasked.NOT_LOADED, f"no model {name!r} is loaded")
        return self._loaded[name][1]

    def _fail(self, name: str, error: Exception) -> None:
        if name not in self._broken:
            _LOG.error("model_failing", model=name, detail=_detail(error))
        self._broken[name] = error if isinstance(error, Broken) else Broken(Unasked.EXCEPTION, _detail(error))
        self._tell(name, failing=True, detail=_detail(error))

    def _tell(self, name: str, *, failing: bool, detail: str, card: ModelCard | None = None) -> None:
        for sensor in (sensor for sensor, used in self._names.items() if used == name):
            sha256 = card.sha256 if card else None
            refused = self._refused.get(sensor, "")
            self._post(ModelState(sensor, failing, detail, card.label if card else name, sha256, refused))


def _code(error: Exception) -> Unasked:
    return error.code if isinstance(error, Broken) else Unasked.EXCEPTION


def _detail(error: Exception) -> str:
    return str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
