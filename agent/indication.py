"""What light and sounder show: the truth about the least advanced open call, and about the line.

Rules of this file: pure, no state of its own. A pre-alarm comes first, because the citizen must see it to cancel it.
Then: no path connected is *line down* at once; a call without `received` for 60 s is *line down* too. *Sending* is only
shown for what is stored or has a PUBACK: before that the light makes no promise about a call, and shows the others.
"""

from __future__ import annotations

from agent.call_table import Call, Phase
from agent.calls import OVERDUE_AFTER_S, Calls
from agent.effects import Light, Show, Sounder

LIGHT_OF = {Phase.RAISED: Light.SENDING, Phase.RECEIVED: Light.RECEIVED, Phase.ACCEPTED: Light.COMING}
PROGRESS = (Phase.RAISED, Phase.RECEIVED, Phase.ACCEPTED)


def indicate(calls: Calls, before: Show | None, *, connected: bool, silenced: bool, now: float) -> Show:
    """Return what to show at `now` (monotonic seconds) after `before`; `silenced` mutes all but a pre-alarm."""
    if any(call.phase is Phase.PRE_ALARM for call in calls.under_way()):
        return Show(Light.PRE_ALARM, Sounder.PRE_ALARM)
    open_calls = [call for call in calls.under_way() if call.is_open]
    light = _light(open_calls, connected=connected, now=now)
    if light is None:
        # A pre-alarm that ran out and is just being stored must not look like a home in which nothing happened.
        held = before is not None and before.light is Light.PRE_ALARM
        return Show(Light.PRE_ALARM, Sounder.PRE_ALARM) if held else Show(Light.READY, Sounder.SILENT)
    if silenced or not open_calls or light is Light.READY:
        return Show(light, Sounder.SILENT)
    return Show(light, Sounder(light.value))


def _light(open_calls: list[Call], *, connected: bool, now: float) -> Light | None:
    if not connected or any(_overdue(call, now) for call in open_calls):
        return Light.LINE_DOWN
    if not open_calls:
        return Light.READY
    promised = [call.phase for call in open_calls if call.phase is not Phase.RAISED or call.safe]
    return LIGHT_OF[min(promised, key=PROGRESS.index)] if promised else None


def _overdue(call: Call, now: float) -> bool:
    return call.phase is Phase.RAISED and call.raised_at is not None and now - call.raised_at >= OVERDUE_AFTER_S
