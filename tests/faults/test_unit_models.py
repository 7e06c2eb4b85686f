"""A whole unit with models of the municipality's own: one is damaged, one judges, one in the shadow hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events import CallData, CloudEvent, FaultData, StateData
from agent.models import bring
from agent.models.choice import Choice
from tests.faults.test_unit_falls import FALL, WITHIN_S, ready
from tests.home import Centre, Home
from tests.unit.models.signed import SHIPPED, folder, key
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.mosquitto import Mosquitto

HANGS = """
import threading
from agent.inference import shadow
class Hanging:
    runtime = "hanging"
    def score(self, window):
        threading.Event().wait()
shadow.ShadowWorker.__init__.__defaults__ = (lambda candidate: Hanging(),)
"""


def _model(event: CloudEvent) -> tuple[str | None, str | None, bool]:
    assert isinstance(event.data, StateData)
    return event.data.model.name, event.data.model.sha256, event.data.model.failing


def test_a_stand_in_judges_for_a_damaged_model_beside_a_shadow_that_hangs(tmp_path: Path, broker: Mosquitto) -> None:
    home = Home(tmp_path, broker.port)
    home.unit_file.write_text(f'{home.unit_file.read_text()}\n[model]\nsigning_key = "{key().public}"\n')
    chosen = Choice(live="fall-waist-7.2.0", previous="fall-waist-7.1.0", shadow="fall-waist-7.0.5")
    bring.write_choice(folder(tmp_path / "models", "7.0.5", "7.1.0", "7.2.0"), chosen)
    (tmp_path / "models" / "fall-waist-7.2.0.tflite").write_bytes(b"damaged")
    home.prelude = HANGS
    with Centre(broker.port) as centre, home:
        ready(home)
        fault = centre.fault("model.failing").data
        assert isinstance(fault, FaultData)
        assert fault.sensor == "wearable"
        assert fault.detail.startswith("fall-waist-7.2.0 is refused")
        judges = ("fall-waist/7.1.0", SHIPPED.sha256, False)
        eventually(lambda: judges in [_model(event) for event in centre.of("state")])
        home.play(FALL)
        raised = centre.wait("call.raised", within=WITHIN_S).data
        assert isinstance(raised, CallData)
        assert raised.assessment is not None
        assert (raised.assessment.model, raised.assessment.threshold) == ("fall-waist/7.1.0", 0.7)
        assert raised.assessment.model_sha256 == SHIPPED.sha256
        assert raised.assessment.verdict == "confirmed"
        failing = [event for event in centre.of("tech.fault") if getattr(event.data, "fault", None) == "model.failing"]
        assert len(failing) == 1  # the shadow makes none
        assert home.stop() == 0
