"""What the running unit makes of what was chosen: whose threshold, whose hash, and what the centre is told."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from agent.assessment import Assessed
from agent.clock import Now
from agent.config_files import load_profile
from agent.effects import Score
from agent.events import Fault
from agent.inference.start import load_fall_detection
from agent.models import bring
from agent.models.choice import Choice
from agent.models.chosen import Chosen, choose
from agent.readings import Item, ModelState, Scored, ShadowScored, ShadowState
from tests.home_bench import HomeBench
from tests.unit.inference.motions import batch, fall, times
from tests.unit.models.signed import SHIPPED, folder

if TYPE_CHECKING:
    from pathlib import Path

    from agent.models.folder import ModelFolder

WORN = load_profile("simulated-home").wearables["wearable"]


def judged(chosen: Chosen, made: ModelFolder | None = None) -> tuple[list[Item], Assessed]:
    """Let a unit with these models judge a fall; return all that its models post, and the assessment."""
    posted: queue.Queue[Item] = queue.Queue()
    items: list[Item] = []

    def take(kind: type[Any]) -> Any:
        while not (isinstance(item := posted.get(timeout=10), kind)):
            items.append(item)
        items.append(item)
        return item

    now = Now(990.0, 0.0)
    worker, detection, _ = load_fall_detection(
        {"wearable": WORN}, {}, now, posted.put, id_prefix="b", chosen=chosen, folder=made
    )
    detection, _ = detection.step(take(ModelState), now)
    t = times(10, 100.0)
    detection, out = detection.step(batch(t, fall(t, 1005.0)), Now(1009.0, 0.0))
    (request,) = [effect for effect in out if isinstance(effect, Score)]
    worker.submit(request)
    _, (assessed,) = detection.step(take(Scored), Now(1009.1, 0.0))
    assert isinstance(assessed, Assessed)
    if chosen.shadow is not None:
        take(ShadowScored)
    worker.stop()
    return items, assessed


def test_a_promoted_model_judges_by_its_own_card_and_is_named_in_the_event(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    bring.write_choice(made, Choice(live="fall-waist-7.1.0"))
    (state, _), assessed = judged(choose(made))
    assert isinstance(state, ModelState)
    assert (state.name, state.refused) == ("fall-waist/7.1.0", "")
    answer = assessed.assessment
    assert (answer.threshold, answer.model) == (0.7, "fall-waist/7.1.0")
    assert answer.model_sha256 == SHIPPED.sha256


def test_a_refused_model_leaves_another_one_that_works_and_says_why(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    bring.write_choice(made, Choice(live="fall-waist-7.1.0"))
    (tmp_path / "fall-waist-7.1.0.sig").write_bytes(bytes(64))
    (state, _), assessed = judged(choose(made))
    assert isinstance(state, ModelState)
    assert not state.failing
    assert state.name == SHIPPED.label == assessed.assessment.model
    assert "fall-waist-7.1.0 is refused" in state.refused
    home = HomeBench()
    home.step(state)
    (told,) = home.seen("tech.fault")
    assert (told["data"]["fault"], told["data"]["sensor"]) == (Fault.MODEL_FAILING, "wearable")
    assert told["data"]["detail"].endswith(f"{SHIPPED.label} stands in")
    home.step(Scored("t", 0.5, 0.001))
    assert not home.seen("tech.restored")  # the other model works, and the fault is still one


def test_a_model_for_another_place_on_the_body_does_not_judge(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    bring.write_choice(made, Choice(live="fall-waist-7.1.0"))
    chosen = choose(made)
    assert chosen.live is not None
    elsewhere = chosen.live.card.model_copy(update={"body_positions": ("wrist",)})
    live = type(chosen.live)(chosen.live.name, elsewhere, chosen.live.files)
    (state, _), _ = judged(Chosen(live=live))
    assert isinstance(state, ModelState)
    assert (state.name, "made for wrist" in state.refused) == (SHIPPED.label, True)


def test_a_shadow_is_loaded_and_asked_after_the_live_model(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    bring.write_choice(made, Choice(shadow="fall-waist-7.1.0"))
    items, assessed = judged(choose(made), made)
    kinds = [type(item) for item in items]
    assert kinds.index(ModelState) < kinds.index(ShadowState)
    assert kinds.index(Scored) < kinds.index(ShadowScored)
    (compared,) = [item for item in items if isinstance(item, ShadowScored)]
    assert compared.live is assessed.assessment.verdict.is_call
    assert compared.score is not None
    assert compared.shadow is (compared.score >= 0.7)


def test_a_shadow_that_is_refused_is_told_and_nothing_else_is_different(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    bring.write_choice(made, Choice(shadow="fall-waist-7.1.0"))
    (tmp_path / "fall-waist-7.1.0.tflite").unlink()
    items, assessed = judged(choose(made), made)
    (told,) = [item for item in items if isinstance(item, ShadowState)]
    assert (told.name, told.sha256, told.failing) == ("fall-waist-7.1.0", None, True)
    assert ShadowScored(None, None, None) in items
    assert assessed.assessment == judged(Chosen())[1].assessment
