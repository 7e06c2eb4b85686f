"""Events for tests of the outbox, which asks of a body only that it is one."""

from __future__ import annotations

import random

from agent.readings import OutboxEvent


def event(number: int, *, call: bool = False, boot: int = 1, body: str = '{"data": {}}') -> OutboxEvent:
    """Return event `number` of boot `boot`; a `body` that is no JSON becomes a text in one."""
    body = body if body.startswith("{") else f'{{"data": {{"text": "{body}"}}}}'
    return OutboxEvent(
        event_id=f"{'call' if call else 'tech'}-{boot}-{number}",
        sequence=f"{boot:08}{number:012}",
        is_call=call,
        type="dk.nodkald.call.raised" if call else "dk.nodkald.tech.fault",
        topic=f"nk/v1/aabenraa/u-test0001/{'call' if call else 'tech'}",
        body=body,
        boot_id=f"boot-{boot}",
        mono=number + 0.25,
        wall=1_780_000_000.5,
        synced=bool(number % 2),
        call_id=f"the-call-{number}" if call else None,
    )


def chance(seed: int) -> random.Random:
    """Return chance that repeats itself."""
    return random.Random(seed)  # noqa: S311 - because a test must repeat itself
