"""Checks `broker` and `centre`: each path by a real handshake, login and a receipt from the response centre.

Rules of this file: the meaning of a visit (`broker_visit.py`), in the light of what the running unit says about the
same path. Where the unit itself is connected and only the doctor's client is not, that is a warning: calls get through.
Who may not read the unit's key is told what the running unit says, and nothing is claimed beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.doctor.broker_visit import NO_SUBSCRIBER, WITHIN_S, Stage, Visit, visit
from agent.doctor.case import SUDO
from agent.doctor.finding import Finding, Verdict
from agent.doctor.private_key import HIDDEN, readable
from agent.errors import CredentialError
from agent.status import view
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.config import BrokerPath
    from agent.doctor.case import Case

NAME = "broker"
CENTRE = "centre"
RECENT_S = 300.0
"""A receipt that the running unit got within this says that the centre was there."""

_LOGGED_IN = Text("forbindelse og login på {ms:.0f} ms", "connection and login in {ms:.0f} ms")
_RECEIPT = Text("centralen kvitterede på {ms:.0f} ms", "the centre sent its receipt in {ms:.0f} ms")
_NOT_ASKED = Text("kunne ikke spørges uden login", "could not be asked without a login")
_UNIT_IS_IN = Text(
    "enheden selv er forbundet, men undersøgelsen blev afvist",
    "the unit itself is connected, but the examination was turned away",
)
_UNIT_CONNECTED = Text("enheden selv er forbundet", "the unit itself is connected")
_UNIT_IS_OUT = Text("enheden selv er ikke forbundet", "the unit itself is not connected")
_UNIT_HEARD = Text("enheden fik en kvittering for {age} siden", "the unit had a receipt {age} ago")
_OWN_CLIENT_ID = Text(
    "Intet haster: bed brokerens drift om at tillade klient-id'er, der begynder med enhedens id",
    "No haste: ask the broker's operator to allow client ids that begin with the unit's id",
)
_FAILED: Mapping[Stage, Text] = {
    Stage.FILES: Text("TLS-filerne kan ikke bruges", "the TLS files can't be used"),
    Stage.NAME: Text("brokerens navn findes ikke", "the broker's name was not found"),
    Stage.TCP: Text("ingen forbindelse til brokeren", "no connection to the broker"),
    Stage.TLS: Text("TLS lykkedes ikke", "TLS did not succeed"),
    Stage.LOGIN: Text("brokeren lod os ikke logge ind", "the broker did not let us log in"),
}
_NEXT: Mapping[Stage, Text] = {
    Stage.FILES: Text(
        "Se linjerne om certifikater; læg filerne ind igen med: sudo nodkald provision",
        "See the lines on certificates; put the files in again with: sudo nodkald provision",
    ),
    Stage.NAME: Text("Se linjen om DNS", "See the line on DNS"),
    Stage.TCP: Text(
        "Se, om routeren har internet og tillader {host} port {port}; ring ellers til brokerens drift",
        "See that the router has internet and allows {host} port {port}; else call the broker's operator",
    ),
    Stage.TLS: Text(
        "Sammenlign certifikaterne med kontorets; er de rigtige, så ring til brokerens drift",
        "Compare the certificates with the office's; if they are right, call the broker's operator",
    ),
    Stage.LOGIN: Text(
        "Ring til brokerens drift: enhedens id og certifikat skal have adgang",
        "Call the broker's operator: the unit's id and certificate must have access",
    ),
}
_NOBODY_LISTENS = Text(
    "brokeren er der, men ingen nødkaldscentral lytter", "the broker is there, but no response centre listens"
)
_CALL_CENTRE = Text(
    "Ring til centralen: deres modtager skal køre og lytte på tenant {tenant}",
    "Call the centre: their receiver must run and listen to tenant {tenant}",
)
_NO_RECEIPT = Text(
    "brokeren tog en prøve, men centralen kvitterede ikke inden {seconds:.0f} s",
    "the broker took a test, but the centre sent no receipt within {seconds:.0f} s",
)
_CHECK_ACK = Text(
    "Ring til centralen: kører deres modtager, og må enheden læse sit `ack`?",
    "Call the centre: is their receiver running, and may the unit read its `ack`?",
)
_NO_RECEIPT_YET = Text(
    "ingen kvittering på en prøve, men enheden fik en for {age} siden",
    "no receipt for a test, but the unit had one {age} ago",
)
_TRY_AGAIN = Text(
    "Kør den igen om et minut; gentager det sig, så ring til centralen",
    "Run it again in a minute; if it happens again, call the centre",
)
_REFUSED = Text("brokeren tager ikke imod fra enheden", "the broker takes nothing from the unit")
_RIGHTS = Text(
    "Ring til brokerens drift: enhedens rettigheder (ACL) mangler",
    "Call the broker's operator: the unit's rights (ACL) are missing",
)
_NO_ANSWER = Text("brokeren svarer ikke efter login", "the broker does not answer after the login")


def examine(case: Case, path: BrokerPath) -> list[Finding]:
    """Visit the broker."""
    unit = case.unit.unit_file
    received_s = case.said["received_s"] if case.said is not None else None
    told = case.path(path.name)
    try:
        with readable(path) as usable:
            seen = visit(unit, usable, case.now)
    except PermissionError:
        return judge_told(path.name, told, received_s)
    except (OSError, CredentialError) as error:
        seen = Visit(Stage.FILES, str(error))
    return judge(path, seen, told, received_s, unit.tenant)


def judge_told(name: str, told: Mapping[str, Any] | None, received_s: float | None) -> list[Finding]:
    """Return what the running unit says of a path that this user can't try."""
    centre = Finding(CENTRE, Verdict.SKIPPED, _NOT_ASKED, name)
    if told is None:
        return [Finding(NAME, Verdict.SKIPPED, HIDDEN, name), centre]
    if not told["up"]:
        return [Finding(NAME, Verdict.FAIL, _UNIT_IS_OUT, name, SUDO, str(told["detail"])), centre]
    if received_s is not None and received_s < RECENT_S:
        centre = Finding(CENTRE, Verdict.OK, both(_UNIT_HEARD, age=view.age(received_s)), name)
    return [Finding(NAME, Verdict.OK, _UNIT_CONNECTED, name), centre]


def judge(
    path: BrokerPath, seen: Visit, told: Mapping[str, Any] | None, received_s: float | None, tenant: str
) -> list[Finding]:
    """Return one finding on the broker and one on the centre. `told`: the running unit's word on this path."""
    name = path.name
    if seen.stage in _FAILED:
        return [_not_in(path, seen, told), Finding(CENTRE, Verdict.SKIPPED, _NOT_ASKED, name)]
    broker = Finding(NAME, Verdict.OK, both(_LOGGED_IN, ms=seen.login_s * 1000), name)
    if seen.stage is Stage.DONE:
        return [broker, Finding(CENTRE, Verdict.OK, both(_RECEIPT, ms=seen.receipt_s * 1000), name)]
    return [broker, _no_receipt(name, seen, received_s, tenant)]


def _not_in(path: BrokerPath, seen: Visit, told: Mapping[str, Any] | None) -> Finding:
    if told is not None and told["up"] and seen.stage is Stage.LOGIN:
        return Finding(NAME, Verdict.WARN, _UNIT_IS_IN, path.name, _OWN_CLIENT_ID, seen.detail)
    step = both(_NEXT[seen.stage], host=path.host, port=path.port)
    return Finding(NAME, Verdict.FAIL, _FAILED[seen.stage], path.name, step, seen.detail or "no answer")


def _no_receipt(name: str, seen: Visit, received_s: float | None, tenant: str) -> Finding:
    if seen.refused:
        return Finding(CENTRE, Verdict.FAIL, _REFUSED, name, _RIGHTS, seen.detail)
    if seen.code == NO_SUBSCRIBER:
        return Finding(CENTRE, Verdict.FAIL, _NOBODY_LISTENS, name, both(_CALL_CENTRE, tenant=tenant))
    if seen.stage is Stage.SENDING:
        return Finding(CENTRE, Verdict.FAIL, _NO_ANSWER, name, _NEXT[Stage.LOGIN], seen.detail)
    if received_s is not None and received_s < RECENT_S:
        recent = both(_NO_RECEIPT_YET, age=view.age(received_s))
        return Finding(CENTRE, Verdict.WARN, recent, name, _TRY_AGAIN)
    return Finding(
        CENTRE, Verdict.FAIL, both(_NO_RECEIPT, seconds=WITHIN_S - seen.login_s), name, _CHECK_ACK, seen.detail
    )
