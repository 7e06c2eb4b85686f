"""What light and sounder show: the truth about the least advanced open call, and about the line.

Rules of this file: pure, no state of its own. A pre-alarm comes first, because the citizen must see it to cancel it.
Then: no path connected is *line down* at once; a call without `received` for 60 s is *line down* too. *Sending* is only
shown for what is stored or has a PUBACK: before that the light makes no promise.
"""

from __future__ import annotations

from agent.call_table import Call, Phase
from agent.calls import OVERDUE_AFTER_S, Calls
from agent.effects import Light, Show, Sounder

LIGHT_OF = {Phase.RAISED: Light.SENDING, Phase.RECEIVED: Light.RECEIVED, Phase.ACCEPTED: Light.COMING}
PROGRESS = (Phase.RAISED, Phase.RECEIVED, Phase.ACCEPTED)


def indicate(calls: Calls, *, connected: bool, silenced: bool, now: float) -> Show:
    """Return what to show at `now` (monotonic seconds); `silenced` mutes everything but a pre-alarm."""
    if any(call.phase is Phase.PRE_ALARM for call in calls.under_way()):
        return Show(Light.PRE_ALARM, Sounder.PRE_ALARM)
    open_calls = [call for call in calls.under_way() if call.is_open]
    light = _light(open_calls, connected=connected, now=now)
    if silenced or not open_calls or light is Light.READY:
        return Show(light, Sounder.SILENT)
    return Show(light, Sounder(light.value))


def _light(open_calls: list[Call], *, connected: bool, now: float) -> Light:
    if not connected or any(_overdue(call, now) for call in open_calls):
        return Light.LINE_DOWN
    if not open_calls:
        return Light.READY
    least = min(open_calls, key=lambda call: (PROGRESS.index(call.phase), call.safe))
    return Light.READY if least.phase is Phase.RAISED and not least.safe else LIGHT_OF[least.phase]


def _overdue(call: Call, now: float) -> bool:
    return call.phase is Phase.RAISED and call.raised_at is not None and now - call.raised_at >= OVERDUE_AFTER_S
