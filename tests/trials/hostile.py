"""Messages that no centre should send: what they look like on `…/ack` and `…/cmd`.

Rules of this file: pure. Nothing here is an order that the unit must follow: an acknowledgement of something open is
always broken somewhere, and whole ones name only what is done, or what is not ours. Commands are whole only where they
are retained (nobody asked just now), or are repeated and change nothing any more.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.events import CommandName

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

REPEATABLE = (CommandName.STATE, CommandName.WALKTEST_STOP)
"""Commands that, given a second time, find everything as they want it."""

ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "utf-8-sig")
"""None of them is UTF-8, in which JSON is sent: the last one begins with a byte order mark."""


@dataclass(frozen=True, slots=True)
class Ids:
    """What a message can be about."""

    open_events: tuple[str, ...]
    """Not received yet: only broken messages may name them."""
    open_calls: tuple[str, ...]
    """Raised, and not accepted: only broken messages may name them."""
    done_events: tuple[str, ...]
    """Received long ago."""
    done_calls: tuple[str, ...]
    """Closed."""
    accepted_calls: tuple[str, ...]
    """A person took them: they may be accepted once more, and nothing changes."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One message: `leaf` is the last part of the topic."""

    leaf: str
    payload: bytes
    retained: bool = False


def messages(rng: random.Random, ids: Ids) -> Iterator[Hostile]:
    """Return hostile messages without end."""
    kinds = (
        _huge,
        _deep,
        _wrong_types,
        _replayed,
        _of_others,
        _wrong_encoding,
        _cut,
        _mutated,
        _noise,
        _twice_the_same_key,
        _odd_numbers,
        _control_characters,
        _command,
        _retained_command,
    )
    while True:
        yield rng.choice(kinds)(rng, ids)


def _ack(ack: Any, **names: Any) -> bytes:
    return json.dumps({"ack": ack, **names}, separators=(",", ":")).encode()


def _open_ack(rng: random.Random, ids: Ids) -> bytes:
    """Return a whole acknowledgement of something open: to be broken before it is sent."""
    makes: tuple[Callable[[], bytes], ...] = (
        lambda: _ack("received", event_id=rng.choice(ids.open_events)),
        lambda: _ack("received", event_ids=list(ids.open_events)),
        lambda: _ack("accepted", call_id=rng.choice(ids.open_calls)),
        lambda: _ack("closed", call_id=rng.choice(ids.open_calls)),
    )
    return rng.choice(makes)()


def _strange(rng: random.Random, ids: Ids) -> str:
    """Return the id of something that is not ours, or is done."""
    return rng.choice(
        (str(uuid.UUID(int=rng.getrandbits(128))), *ids.done_events, *ids.done_calls, "", "null", "%", "../#")
    )


def _either(rng: random.Random) -> str:
    return rng.choice(("ack", "cmd"))


def _huge(rng: random.Random, ids: Ids) -> Hostile:
    size = rng.randint(1, 120_000)
    return rng.choice(
        (
            Hostile(_either(rng), b"x" * size),
            Hostile(_either(rng), b"\x00" * size),
            Hostile(_either(rng), json.dumps("y" * size).encode()),
            Hostile("ack", _ack("received", event_id=ids.open_events[0] + "z" * size)),
            Hostile("ack", _ack("received", event_ids=[*ids.open_events, *(str(i) for i in range(1001))])),
            Hostile("ack", _ack("received", event_id=_strange(rng, ids), junk="j" * size)),
            Hostile("ack", _open_ack(rng, ids) + b" " * 65_536),
            Hostile("cmd", json.dumps({"id": "i" * (65 + size), "cmd": "restart"}).encode()),
        )
    )


def _deep(rng: random.Random, ids: Ids) -> Hostile:
    depth = rng.randint(100, 60_000)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"ack":', b"}]")))
    nest = opening * min(depth, 60_000 // len(opening))
    closed = nest + b"0" + closing * (len(nest) // len(opening))
    inside = b'{"ack":"received","event_ids":' + closed + b"}"
    with_junk = b'{"junk":' + closed + b"," + _open_ack(rng, ids)[1:]
    # Shallow junk beside a whole acknowledgement would make it a whole one: a later centre may say more.
    return Hostile(_either(rng), rng.choice((nest, closed, inside, with_junk if depth > 1000 else nest)))


def _wrong_types(rng: random.Random, ids: Ids) -> Hostile:
    event, call = rng.choice(ids.open_events), rng.choice(ids.open_calls)
    odd: Any = rng.choice((None, True, 0, -1, 1.5, [], {}, [event], {"id": event}, [[event]]))
    bodies: tuple[Any, ...] = (
        odd,
        [{"ack": "received", "event_id": event}],
        {"ack": "received", "event_id": odd},
        {"ack": "received", "event_ids": event},
        {"ack": "received", "event_ids": [event, odd]},
        {"ack": odd, "event_id": event, "call_id": call},
        {"ack": "Received", "event_id": event},
        {"ack": "received ", "event_id": event},
        {"ack": "cancelled", "call_id": call},
        {"ack": "received", "call_id": call},
        {"ack": "accepted", "event_id": event},
        {"ack": "closed", "call_id": odd},
        {"ack": "closed", "call_id": call, "outcome": "o" * 65},
        {"ack": "accepted", "call_id": call, "by": odd if odd is not None else 7},
        {"id": odd, "cmd": "restart"},
        {"id": "c", "cmd": odd},
        {"id": "c", "cmd": "call.cancel", "call_id": call},
        {"cmd": "restart"},
    )
    return Hostile(_either(rng), json.dumps(rng.choice(bodies)).encode())


def _replayed(rng: random.Random, ids: Ids) -> Hostile:
    body = rng.choice(
        (
            _ack("received", event_id=rng.choice(ids.done_events)),
            _ack("received", event_ids=list(ids.done_events)),
            _ack("closed", call_id=rng.choice(ids.done_calls), outcome="again"),
            _ack("accepted", call_id=rng.choice(ids.done_calls)),
            _ack("accepted", call_id=rng.choice(ids.accepted_calls), by="operator-2"),
        )
    )
    return Hostile("ack", body, retained=rng.random() < 0.3)


def _of_others(rng: random.Random, ids: Ids) -> Hostile:
    name = _strange(rng, ids) or "other"
    ack = rng.choice(("received", "accepted", "closed"))
    whole = _ack(ack, event_ids=[name, name], call_id=name)
    leaf = rng.choice(("ack", "ack", "ack", "call", "tech", "state", "online/primary", "reply", "", "ack/x", "ACK"))
    return Hostile(leaf, whole if leaf == "ack" else _open_ack(rng, ids))


def _wrong_encoding(rng: random.Random, ids: Ids) -> Hostile:
    encoding = rng.choice(ENCODINGS)
    text = _open_ack(rng, ids).decode()
    if encoding == "utf-7":  # plain ASCII survives it: put what does not in front
        return Hostile("ack", ("\u00e6" + text).encode(encoding))
    return Hostile("ack", text.encode(encoding))


def _cut(rng: random.Random, ids: Ids) -> Hostile:
    whole = _open_ack(rng, ids)
    at = rng.randint(1, len(whole) - 1)
    return Hostile("ack", rng.choice((whole[:at], whole[at:], whole + whole, whole + b"\x00", b"[" + whole)))


def _mutated(rng: random.Random, ids: Ids) -> Hostile:
    """One byte is another one: in whatever place it is, the message names something else, or nothing."""
    whole = bytearray(_ack("received", event_id=rng.choice(ids.open_events)))
    at = rng.randrange(len(whole))
    whole[at] ^= rng.randint(1, 255)
    return Hostile("ack", bytes(whole))


def _noise(rng: random.Random, ids: Ids) -> Hostile:
    del ids
    return Hostile(_either(rng), rng.randbytes(rng.randint(0, 300)))


def _twice_the_same_key(rng: random.Random, ids: Ids) -> Hostile:
    first, second = (json.dumps(_strange(rng, ids)) for _ in range(2))
    body = rng.choice(
        (
            f'{{"ack":"received","event_id":{first},"event_id":{second}}}',
            f'{{"ack":"received","ack":"closed","event_id":{first},"call_id":{second}}}',
            f'{{"ack":"closed","call_id":{first},"call_id":{second}}}',
            f'{{"ack":"closed","call_id":{json.dumps(ids.open_calls[0])},"call_id":7}}',
        )
    )
    return Hostile("ack", body.encode())


def _odd_numbers(rng: random.Random, ids: Ids) -> Hostile:
    name = json.dumps(_strange(rng, ids))
    number = rng.choice(
        ("NaN", "Infinity", "-Infinity", "1e999999", "9" * rng.randint(20, 6000), "-0", "1e-400", "0x1")
    )
    body = rng.choice(
        (
            number,
            f'{{"ack":"received","event_id":{number}}}',
            f'{{"ack":"received","event_ids":[{number}]}}',
            f'{{"ack":"received","event_id":{name},"junk":{number}}}',
            f'{{"id":{number},"cmd":"restart"}}',
            f'{{"id":"n","cmd":{number}}}',
        )
    )
    return Hostile(_either(rng), body.encode())


def _control_characters(rng: random.Random, ids: Ids) -> Hostile:
    event = rng.choice(ids.open_events)
    odd = chr(rng.randrange(32))
    before = "\x00" if odd.isspace() else odd  # white space in front is none of JSON's business
    body = rng.choice(
        (
            f'{{"ack":"received","event_id":"{event}{odd}"}}',
            f'{{"ack":"received{odd}","event_id":"{event}"}}',
            f'{before}{{"ack":"received","event_id":"{event}"}}',
            f'{{"ack":"received","event_id":"{event}\\u0000"}}',
            f'{{"ack":"received","event_id":"\\ud800{event}"}}',
            f'{{"ack":"received","event_ids":["\\u202e{event}","\\udfff"]}}',
            '{"id":"\\u0000\\u001b[2J","cmd":"\\u0007"}',
        )
    )
    return Hostile(_either(rng), body.encode())


def _command(rng: random.Random, ids: Ids) -> Hostile:
    del ids
    body = rng.choice(
        (
            {"id": "again", "cmd": rng.choice(REPEATABLE)},
            {"id": "c", "cmd": "shell", "args": ["rm", "-rf", "/"]},
            {"id": "c", "cmd": "RESTART"},
            {"id": "c" * 65, "cmd": "restart"},
            {"id": None, "cmd": "restart"},
            {"id": "c"},
        )
    )
    return Hostile("cmd", json.dumps(body).encode())


def _retained_command(rng: random.Random, ids: Ids) -> Hostile:
    del ids
    body = {"id": f"r-{rng.randrange(1000)}", "cmd": rng.choice(list(CommandName))}
    return Hostile("cmd", json.dumps(body).encode(), retained=True)
