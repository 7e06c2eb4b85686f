"""What a broker's PUBACK says about a publish of ours.

Rules of this file: pure translation of reason codes. A publish that nobody was there to hear counts as refused: the
broker took it, and it is gone.
"""

from __future__ import annotations

NO_SUBSCRIBER = 0x10
_REFUSED_FROM = 0x80
_REASONS = {
    0x83: "the broker's implementation refuses it",
    0x87: "not authorised: check the unit's rights in the broker's ACL",
    0x90: "the broker does not accept the topic name",
    0x95: "larger than the broker takes",
    0x97: "the broker's quota for this unit is used up",
    0x99: "the broker finds the payload format invalid",
}


def is_refusal(code: int) -> bool:
    """Whether the event did not reach anybody, for sure."""
    return code >= _REFUSED_FROM or code == NO_SUBSCRIBER


def describe(code: int) -> str:
    """Return a refusal in words for a technician."""
    if code == NO_SUBSCRIBER:
        return "the broker has no subscriber for our events: is the centre's consumer running, with the right tenant?"
    return f"the broker refused a publish: {_REASONS.get(code, 'reason')} (code 0x{code:02x})"
