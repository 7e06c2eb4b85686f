"""The broker trials: killed, restarted, refusing, half-open, slow, too small a limit, rights taken away.

Rules of this file: what breaks and how it is mended, nothing else; the home is `broker_site`, a round `broker_round`.
Every fourth round is lived through by a home with a second, healthy way, of which the one in use is broken. The homes
of a trial run side by side. All use TLS with client certificates and the shipped ACL, but for half the rounds of
`refusing`, where a broker of a few bytes says what mosquitto can't be brought to say.
"""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.broker.raw_broker import CONNECT, RawBroker
from tests.trials.broker_round import Bench, Fault
from tests.trials.broker_site import Pki, Site, Way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.trials.broker_round import Breaks
    from tests.trials.ledger import Ledger, Pull

TWO_WAYS_EVERY = 4
HALF_OPEN_AFTER_S = 5.0
"""The contract's rule: no PUBACK for so long while a call waits."""
NO_MQTT = ord("\x16") >> 4
"""The first byte of a TLS ClientHello, taken for the type of an MQTT packet."""


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
    fault = Fault("broker killed", _killed, cuts_centre=True, no_path_after_s=0.0)
    return _run(Setting([fault], lasts_s), ledger, times, rng, work)


def lasting(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (0.0, 15.0)) -> str:
    """Restart a broker that keeps its sessions and what waits in them on disk."""
    fault = Fault("broker restarted", _stopped, cuts_centre=True, no_path_after_s=0.0)
    return _run(Setting([fault], lasts_s), ledger, times, rng, work)


def forgetful(
    ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (0.0, 15.0)
) -> str:
    """Restart a broker that forgets everything: what it had taken and not passed on must be sent again."""
    fault = Fault("broker restarted, everything forgotten", _stopped, cuts_centre=True, no_path_after_s=0.0)
    changes = {"persistence": "false", "persistence_location": "", "autosave_interval": ""}
    return _run(Setting([fault], lasts_s, changes=changes), ledger, times, rng, work)


def refusing(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Have the broker refuse the unit's login in every way that there is, until somebody mends it."""
    strange = [
        Fault("the broker trusts another CA", _trusting_another_ca, cuts_centre=True, no_path_after_s=0.0),
        Fault("the broker's certificate is a stranger's", _with_a_strangers_certificate, cuts_centre=True,
              no_path_after_s=0.0),
        Fault("the broker wants a password", _wanting_a_password, cuts_centre=True, no_path_after_s=0.0),
        Fault("another service on the broker's port", _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
              no_path_after_s=0.0),
    ]  # fmt: skip
    codes = {0x84: "protocol version", 0x85: "client id", 0x86: "password", 0x87: "not authorised", 0x88: "unavailable"}
    plain = [
        Fault(f"CONNACK 0x{code:02x} ({why})", _answering(b"\x20\x03\x00" + bytes([code, 0])), no_path_after_s=0.0)
        for code, why in codes.items()
    ]
    return _run(Setting(strange, lasts_s, plain_faults=plain, proxied=True), ledger, times, rng, work)


def half_open(
    ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 40.0)
) -> str:
    """Stop the broker with SIGSTOP; or let every byte vanish on the way, with the connections up."""
    faults = [
        Fault("broker stopped (SIGSTOP)", _frozen, no_path_after_s=HALF_OPEN_AFTER_S),
        Fault("bytes swallowed on the way", _swallowed, no_path_after_s=HALF_OPEN_AFTER_S),
    ]
    return _run(Setting(faults, lasts_s, proxied=True), ledger, times, rng, work)


def slow(
    ledger: Ledger,
    times: int,
    rng: Random,
    work: Path,
    *,
    lasts_s: tuple[float, float] = (20.0, 60.0),
    delay_s: float = 10.0,
) -> str:
    """Hold every byte back for 10 s, in each direction: the delay of a pull counts from the pull."""
    fault = Fault(f"every byte {delay_s:g} s late, each way", _slowed(delay_s), passes=True)
    return _run(Setting([fault], lasts_s, proxied=True), ledger, times, rng, work)


def limit(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Restart the broker with a size limit under our events, and again with the one that it had."""
    faults = [
        Fault("max_packet_size too small", _limited("max_packet_size", 700), cuts_centre=True),
        Fault("message_size_limit too small", _limited("message_size_limit", 300), cuts_centre=True),
    ]
    return _run(Setting(faults, lasts_s), ledger, times, rng, work)


def rights(ledger: Ledger, times: int, rng: Random, work: Path, *, lasts_s: tuple[float, float] = (1.0, 30.0)) -> str:
    """Take rights away by a changed ACL file and SIGHUP, and give them back in the same way."""
    faults = [
        Fault("no right to publish calls", _without("pattern write nk/v1/aabenraa/%u/call")),
        Fault("no right to publish anything", _without("pattern write ")),
        Fault("no right at all", _without("pattern ")),
        Fault("no right to read acknowledgements", _without("pattern read nk/v1/aabenraa/%u/ack"), passes=True),
    ]
    return _run(Setting(faults, lasts_s), ledger, times, rng, work)


# ---------------------------------------------------------------- how it breaks, and how it is mended


@contextmanager
def _killed(way: Way) -> Iterator[None]:
    way.broker.kill()
    yield
    way.broker.start()


@contextmanager
def _stopped(way: Way) -> Iterator[None]:
    way.broker.stop()
    yield
    way.broker.start()


@contextmanager
def _frozen(way: Way) -> Iterator[None]:
    way.broker.freeze()
    yield
    way.broker.thaw()


@contextmanager
def _swallowed(way: Way) -> Iterator[None]:
    assert way.proxy is not None
    way.proxy.swallows = True
    yield
    way.proxy.swallows = False


def _slowed(delay_s: float) -> Breaks:
    @contextmanager
    def slowed(way: Way) -> Iterator[None]:
        assert way.proxy is not None
        way.proxy.delay_s = delay_s
        yield
        way.proxy.delay_s = 0.0

    return slowed


def _answering(words: bytes) -> Breaks:
    @contextmanager
    def answering(way: Way) -> Iterator[None]:
        assert way.proxy is not None
        with RawBroker({CONNECT: words, NO_MQTT: words}) as other:
            way.proxy.lead_to(other.port)
            yield
            way.proxy.lead_to(way.port)

    return answering


def _reconfigured(way: Way, **changes: str) -> Iterator[None]:
    way.broker.stop()
    way.broker.configure(*way.lines(**changes))
    way.broker.start()
    yield
    way.broker.stop()
    way.broker.configure(*way.lines())
    way.broker.start()


@contextmanager
def _trusting_another_ca(way: Way) -> Iterator[None]:
    yield from _reconfigured(way, cafile=str(way.pki.stranger.certificate))


@contextmanager
def _with_a_strangers_certificate(way: Way) -> Iterator[None]:
    stranger = way.pki.stranger_broker
    yield from _reconfigured(way, certfile=str(stranger.certificate), keyfile=str(stranger.key))


@contextmanager
def _wanting_a_password(way: Way) -> Iterator[None]:
    passwords = way.directory / "passwords"
    passwords.touch(mode=0o600)
    yield from _reconfigured(way, use_identity_as_username="false", password_file=str(passwords))


def _limited(word: str, limit_bytes: int) -> Breaks:
    @contextmanager
    def limited(way: Way) -> Iterator[None]:
        yield from _reconfigured(way, **{word: str(limit_bytes)})

    return limited


def _without(right: str) -> Breaks:
    @contextmanager
    def without(way: Way) -> Iterator[None]:
        shipped = way.acl.read_text()
        way.grant("".join(line for line in shipped.splitlines(keepends=True) if not line.startswith(right)))
        way.broker.reload()
        yield
        way.grant(shipped)
        way.broker.reload()

    return without


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
    rounds = sum(bench.ledger.times for bench in benches)
    if not waits:
        return f"{rounds} rounds with {what}: nothing came"
    return (
        f"{rounds} rounds with {what}: {len(pulls)} pulls, delay {statistics.median(waits):.2f} s in the median, "
        f"{max(waits):.2f} s at most"
    )
