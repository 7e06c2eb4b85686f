"""From an empty directory to a call at the centre: office, claim, answers, a broker with TLS and the shipped ACL."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent.events import CallData
from tests.broker.pki import Ca, Identity
from tests.broker.test_unit_rights import CORD, centre_on, shipped_broker
from tests.home import REPOSITORY, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.conftest import MakeBroker

UNIT_ID = "u-test0001"


def nodkald(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "agent", *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("by_claim", [True, False], ids=["claim", "answers"])
def test_a_provisioned_unit_connects_and_its_cord_is_heard(
    tmp_path: Path, make_broker: MakeBroker, *, by_claim: bool
) -> None:
    desk, trial_ca = tmp_path / "desk", tmp_path / "desk" / "trial-ca"
    nodkald("office", "ca", "init", "--ca", trial_ca)
    nodkald("office", "broker", "--ca", trial_ca, "--host", "127.0.0.1", "localhost", "--out", desk / "broker")
    ca = Ca(desk / "broker", "ca")
    server = Identity(desk / "broker" / "server.crt", desk / "broker" / "server.key")
    broker = shipped_broker(make_broker, tmp_path, ca, server)

    home = Home(tmp_path, broker.port)
    home.unit_file.unlink()  # the one that provisioning writes takes its place
    answers = desk / "answers.toml"
    answers.write_text(
        f'schema = 1\ntenant = "aabenraa"\nunit_id = "{UNIT_ID}"\nprofile = "simulated-home"\nlanguage = "da"\n'
        'ca = "trial-ca/ca.pem"\ncsr = "{unit_id}.csr"\ncertificate = "{unit_id}.pem"\n'
        f'[[paths]]\nhost = "127.0.0.1"\nport = {broker.port}\n'
    )
    provision: list[str | Path] = ["provision", "--unit-file", home.unit_file, "--answers", answers]
    sign: list[str | Path] = ["office", "sign", "--ca", trial_ca, "--csr", desk / f"{UNIT_ID}.csr", "--out", desk]
    if by_claim:
        (desk / "units.csv").write_text(
            "tenant,unit_id,profile,primary,room.bathroom-cord\n"
            f"aabenraa,{UNIT_ID},simulated-home,127.0.0.1:{broker.port},toilet\n"
        )
        nodkald("office", "claims", "--csv", desk / "units.csv", "--ca", trial_ca, "--out", desk / "claims")
        provision += ["--claim", desk / "claims" / f"{UNIT_ID}.claim.toml"]
    else:
        sign += ["--approve", UNIT_ID]
    said = nodkald(*provision, code=3)
    said += nodkald(*sign)
    said += nodkald(*provision)
    key = next(tmp_path.glob("identity-*")) / "unit.key"
    assert key.read_text().splitlines()[1] not in said
    nodkald("check-config", "--unit-file", home.unit_file)

    identity = Identity(desk / "broker" / "centre.crt", desk / "broker" / "centre.key")
    with centre_on(broker, ca, identity) as centre, home, home.watched() as lights:
        home.pull(CORD)
        raised = centre.wait("call.raised").data
        assert isinstance(raised, CallData)
        assert raised.trigger.room == ("toilet" if by_claim else "bathroom")
        eventually(lambda: lights[-1] == "received")
        assert not centre.of("tech.fault")
        assert home.stop() == 0
