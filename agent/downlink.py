"""What the centre says, from bytes to values that can be trusted.

Rules of this file: pure; whatever the bytes are, the answer is an `Ack`, a `Command` or a `Malformed`, never an
exception. Sizes and depths are bounded before anything is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.events import Ack, Command

LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that says nothing we understand; with `command_id` where a command at least had one to answer."""

    reason: str
    command_id: str | None = None


class _Identified(BaseModel):
    """Anything with an id: enough to answer a command that is otherwise wrong."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(max_length=64)


def parse_ack(payload: bytes) -> Ack | Malformed:
    """Parse a message on `…/ack`."""
    if len(payload) > LARGEST:
        return Malformed(f"an acknowledgement of {len(payload)} bytes")
    try:
        ack = Ack.model_validate_json(payload)
    except (ValidationError, ValueError, RecursionError) as error:
        return Malformed(_first_fault(error))
    if ack.ack == "received":
        return ack if ack.event_id or ack.event_ids else Malformed("a `received` without event_id or event_ids")
    return ack if ack.call_id else Malformed(f"an `{ack.ack}` without call_id")


def parse_command(payload: bytes) -> Command | Malformed:
    """Parse a message on `…/cmd`."""
    if len(payload) > LARGEST:
        return Malformed(f"a command of {len(payload)} bytes")
    try:
        return Command.model_validate_json(payload)
    except (ValidationError, ValueError, RecursionError) as error:
        return Malformed(_first_fault(error), _command_id(payload))


def _command_id(payload: bytes) -> str | None:
    try:
        return _Identified.model_validate_json(payload).id
    except ValidationError:
        return None


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in fault['loc']) or 'message'}: {fault['msg']}"[:200]
    return type(error).__name__
