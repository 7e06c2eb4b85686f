"""The shipped model behind the real worker, as `agent/app.py` starts it."""

from __future__ import annotations

import queue

from agent.assessment import Assessed, Verdict
from agent.clock import Now
from agent.config_files import load_profile
from agent.effects import Score
from agent.inference.start import judged_by, load_fall_detection
from agent.profiles import FallPolicy
from agent.readings import Item, ModelState
from tests.unit.inference.motions import batch, fall, times

WORN = load_profile("simulated-home").wearables["wearable"]


def test_from_samples_to_a_confirmed_fall() -> None:
    posted: queue.Queue[Item] = queue.Queue()
    now = Now(990.0, 0.0)
    worker, detection, effects = load_fall_detection({"wearable": WORN}, {}, now, posted.put, id_prefix="boot")
    assert effects == ()
    state = posted.get(timeout=10)
    assert isinstance(state, ModelState)
    assert not state.failing
    assert state.name is not None
    detection, _ = detection.step(state, now)
    t = times(10, 100.0)
    detection, out = detection.step(batch(t, fall(t, 1005.0)), Now(1009.0, 0.0))
    (request,) = [effect for effect in out if isinstance(effect, Score)]
    assert request.trigger_id == "boot.wearable.1"
    worker.submit(request)
    _, (assessed,) = detection.step(posted.get(timeout=10), Now(1009.1, 0.0))
    assert isinstance(assessed, Assessed)
    assert assessed.assessment.verdict is Verdict.CONFIRMED
    assert assessed.assessment.model == state.name
    worker.stop()


def test_a_card_that_can_not_be_used_leaves_the_sensor_without_one() -> None:
    assert judged_by(WORN).card is not None
    assert judged_by(WORN.model_copy(update={"fall": FallPolicy(model="no-such-model")})).card is None
    assert judged_by(WORN.model_copy(update={"body_position": "wrist"})).card is None
