"""The broker trials: killed, restarted, refusing, half-open, slow, too small a limit, rights taken away.

Rules of this file: which faults, for how long, in how many homes; how each breaks is in `broker_faults`, the homes are
`broker_site`, a round is `broker_round`. Every fourth round is lived through by a home with a second, healthy way, of
which the one in use is broken. The homes of a trial run side by side. All use TLS with client certificates and the
shipped ACL, but for half the rounds of `refusing`, where a broker of a few bytes says what mosquitto can't be brought
to say.
"""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.trials import broker_faults
from tests.trials.broker_round import Bench, Fault
from tests.trials.broker_site import Pki, Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.trials.ledger import Ledger, Pull

TWO_WAYS_EVERY = 4
HALF_OPEN_AFTER_S = 5.0
"""The contract's rule: no PUBACK for so long while a call waits."""


RESTARTS = (
    Fault("broker restarted", broker_faults.stopped, cuts_centre=True, no_path_after_s=0.0),
    Fault(
        "broker restarted with the centre away",
        broker_faults.restarted_while_the_centre_is_away,
        cuts_centre=True,
        one_way_only=True,
    ),
)


@dataclass(frozen=True)
class Setting:
    """The homes of one trial, and what they live through in turn."""

    faults: Sequence[Fault]
    lasts_s: tuple[float, float]
    plain_faults: Sequence[Fault] = ()
    """For a home of its own without TLS."""
    proxied: bool = False
    changes: Mapping[str, str] = field(default_factory=dict)


def killed(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (0.5, 20.0)) -> str:
    """Kill the broker with SIGKILL, and start it again after a while: what it had not written is gone."""
    fault = Fault("broker killed", broker_faults.killed, cuts_centre=True, no_path_after_s=0.0)
    return _run(Setting([fault], lasts_s), ledger, times, rng, work)


def lasting(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (0.0, 15.0)) -> str:
    """Restart a broker that keeps its sessions and what waits in them on disk."""
    return _run(Setting(RESTARTS, lasts_s), ledger, times, rng, work)


def forgetful(
    ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (0.0, 15.0)
) -> str:
    """Restart a broker that forgets everything: what it had taken and not passed on must be sent again."""
    changes = {"persistence": "false", "persistence_location": "", "autosave_interval": ""}
    return _run(Setting(RESTARTS, lasts_s, changes=changes), ledger, times, rng, work)


def refusing(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Have the broker refuse the unit's login in every way that there is, until somebody mends it."""
    strange = [
        Fault("the broker trusts another CA", broker_faults.trusting_another_ca, cuts_centre=True, no_path_after_s=0.0),
        Fault("the broker's certificate is a stranger's", broker_faults.with_a_strangers_certificate, cuts_centre=True,
              no_path_after_s=0.0),
        Fault("the broker wants a password", broker_faults.wanting_a_password, cuts_centre=True, no_path_after_s=0.0),
        Fault("another service on the broker's port", broker_faults.answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
              no_path_after_s=0.0),
    ]  # fmt: skip
    codes = {0x84: "protocol version", 0x85: "client id", 0x86: "password", 0x87: "not authorised", 0x88: "unavailable"}
    plain = [
        Fault(
            f"CONNACK 0x{code:02x} ({why})",
            broker_faults.answering(b"\x20\x03\x00" + bytes([code, 0])),
            no_path_after_s=0.0,
        )
        for code, why in codes.items()
    ]
    return _run(Setting(strange, lasts_s, plain_faults=plain, proxied=True), ledger, times, rng, work)


def half_open(
    ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 40.0)
) -> str:
    """Stop the broker with SIGSTOP; or let every byte vanish on the way, with the connections up."""
    faults = [
        Fault("broker stopped (SIGSTOP)", broker_faults.frozen, no_path_after_s=HALF_OPEN_AFTER_S),
        Fault("bytes swallowed on the way", broker_faults.swallowed, no_path_after_s=HALF_OPEN_AFTER_S),
    ]
    return _run(Setting(faults, lasts_s, proxied=True), ledger, times, rng, work)


def slow(
    ledger: Ledger,
    times: int,
    rng: Random,
    work: Path,
    *,
    lasts_s: tuple[float, float] = (20.0, 150.0),
    delay_s: float = 10.0,
) -> str:
    """Hold every byte back for 10 s, in each direction: the delay of a pull counts from the pull."""
    fault = Fault(f"every byte {delay_s:g} s late, each way", broker_faults.slowed(delay_s), passes=True)
    note = _run(Setting([fault], lasts_s, proxied=True), ledger, times, rng, work)
    return (
        f"{note}. No pull can be there sooner than {delay_s:g} s on a connection that is up; a new "
        f"connection takes {4 * delay_s:g} s (TLS, then MQTT) before it carries anything"
    )


def limit(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Restart the broker with a size limit under our events, and again with the one that it had."""
    faults = [
        Fault("max_packet_size too small", broker_faults.limited("max_packet_size", 700), cuts_centre=True),
        Fault("message_size_limit too small", broker_faults.limited("message_size_limit", 300), cuts_centre=True),
    ]
    return _run(Setting(faults, lasts_s), ledger, times, rng, work)


def rights(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Take rights away by a changed ACL file and SIGHUP, and give them back in the same way."""
    faults = [
        Fault("no right to publish calls", broker_faults.without("pattern write nk/v1/aabenraa/%u/call")),
        Fault("no right to publish anything", broker_faults.without("pattern write ")),
        Fault("no right at all", broker_faults.without("pattern ")),
        Fault(
            "no right to read acknowledgements",
            broker_faults.without("pattern read nk/v1/aabenraa/%u/ack"),
            passes=True,
        ),
    ]
    return _run(Setting(faults, lasts_s), ledger, times, rng, work)


# ---------------------------------------------------------------- the homes, side by side


def _run(setting: Setting, ledger: Ledger, times: int, rng: Random, work: Path) -> str:
    """Live through `times` rounds, and return what is to be said about them."""
    pki = Pki.make(work / "pki")
    two = times // TWO_WAYS_EVERY
    plain = (times - two) // 2 if setting.plain_faults else 0
    one = times - two - plain
    homes = {"one way": (one - one // 2, 1, True), "one way, too": (one // 2, 1, True)}
    homes |= {"plain way": (plain, 1, False), "two ways": (two, 2, True)}
    with ExitStack() as stack, ThreadPoolExecutor(len(homes)) as pool:
        running, benches = [], {}
        for name, (rounds, ways, secure) in homes.items():
            if not rounds:
                continue
            site = stack.enter_context(
                Site(
                    work / name.replace(" ", "-").replace(",", ""), pki, ways=ways, secure=secure,
                    proxied=setting.proxied, changes=setting.changes,
                )
            )  # fmt: skip
            faults = setting.faults if secure else setting.plain_faults
            if ways > 1:
                faults = [fault for fault in faults if not fault.one_way_only]
            first = rng.randrange(len(faults))
            turns = [faults[(first + number) % len(faults)] for number in range(rounds)]
            benches[name] = bench = Bench(name, site, Random(rng.random()))
            running.append(pool.submit(bench.run, turns, setting.lasts_s))
        for done in running:
            done.result()
    for bench in benches.values():
        ledger.pulls += bench.ledger.pulls
        ledger.lies += bench.ledger.lies
        ledger.false_calls += bench.ledger.false_calls
        ledger.unverified += bench.ledger.unverified
        ledger.lost_events += bench.ledger.lost_events
        ledger.times += bench.ledger.times
    return _note(benches)


def _note(benches: Mapping[str, Bench]) -> str:
    """Say apart what homes with one way and homes with two saw."""
    two = [bench for name, bench in benches.items() if name == "two ways"]
    one = [bench for name, bench in benches.items() if name != "two ways"]
    said = [_said("one way", one)]
    said += [_said("a second, healthy way, from the pull", two)] if two else []
    return "; ".join(said)


def _said(what: str, benches: Sequence[Bench]) -> str:
    pulls: list[Pull] = [pull for bench in benches for pull in bench.ledger.pulls]
    waits = [pull.delay_s for pull in pulls if pull.delay_s is not None]
    without = [pull.delay_s for pull in pulls if pull.delay_s is not None and pull.path_at is not None]
    rounds = sum(bench.ledger.times for bench in benches)
    if not waits:
        return f"{rounds} rounds with {what}: nothing came"
    return (
        f"{rounds} rounds with {what}: {len(pulls)} pulls, delay {statistics.median(waits):.2f} s in the median, "
        f"{max(waits):.2f} s at most"
        + (f" ({len(without)} found no path: {statistics.median(without):.2f} s once there was one)" if without else "")
    )
