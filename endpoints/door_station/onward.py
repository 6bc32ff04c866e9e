"""What a door station decides when a guard passes the visitor on to somebody else (REFER, RFC 3515).

The visitor goes on talking to the guard, with the picture, until the other one answers; both get the same picture.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from endpoints.actions import CancelTimer, HangUp, Publish, StartTimer, TellTransfer
from endpoints.door_station.actions import CallOnward, KeepOnly, SendVideo, StopVideo, StopVoice
from endpoints.door_station.chain import GUARD
from endpoints.door_station.events import DoorEvent, OnwardPlaced
from endpoints.door_station.state import Door, Phase
from endpoints.door_station.transitions import ONWARD, TOTAL, Step, enter
from endpoints.sip.agent import Answered, EarlyMedia, Ended, Ringing, TransferAsked

NOT_NOW, NO_CONNECTION, ANSWERED = 603, 502, 200


def asked(state: Door, event: TransferAsked) -> Step:
    """Only guards pass visitors on, one at a time, and only to somebody at their own server."""
    user, at, _ = event.target.partition(":")[2].partition("@")
    if state.phase is not Phase.TALKING or state.stage != GUARD or state.onward or not (user and at):
        return state, (TellTransfer(event.call, NOT_NOW, "Not now"),)
    scheme, _, rest = state.ways[0].uri.partition(":")
    uri = f"{scheme}:{user}@{rest.rpartition('@')[2]}"
    told = Publish("transfer-asked", {"call": event.call, "to": user, "by": event.by})
    return state, (CallOnward(uri), StartTimer(ONWARD, state.rules.total), told)


def placed(state: Door, event: OnwardPlaced) -> Step:
    """The second INVITE is out, or could not be sent."""
    if state.phase is not Phase.TALKING:
        return state, (HangUp(event.call),) if event.call else ()
    if not event.call:
        return state, (TellTransfer(state.call, NO_CONNECTION, "No connection"), CancelTimer(ONWARD))
    return replace(state, onward=event.call), (Publish("calling", {"call": event.call, "flat": state.flat}),)


def too_long(state: Door) -> Step | None:
    """Nobody answers there; the end of that call will be told."""
    return (state, (HangUp(state.onward, "nobody answers"),)) if state.onward else None


def guard_left(state: Door) -> Step:
    """The guard hung up without waiting: the visitor waits for the other one alone."""
    after = enter(state, Phase.RINGING, call=state.onward, onward="", branch="")
    stop = (StopVideo(state.branch),) if state.branch in state.screens else ()
    waits = (CancelTimer(ONWARD), StartTimer(TOTAL, state.rules.total))
    return replace(after, screens=state.screens - {state.branch}), (StopVoice(), *stop, *waits)


def decide(state: Door, event: DoorEvent) -> Step | None:
    """An event of the second call."""
    decision = _DECISIONS.get(type(event))
    return decision(state, event) if decision else None


def _ringing(state: Door, event: Ringing) -> Step:
    return state, (Publish("ringing", {"call": event.call, "to_tag": event.to_tag, "code": event.code}),)


def _early_media(state: Door, event: EarlyMedia) -> Step | None:
    if event.video is None:
        return None
    return replace(state, screens=state.screens | {event.to_tag}), (SendVideo(event.to_tag, event.video),)


def _answered(state: Door, event: Answered) -> Step:
    screens = frozenset({event.to_tag}) if event.video else frozenset()
    after = replace(state, call=event.call, onward="", branch=event.to_tag, screens=screens)
    picture = SendVideo(event.to_tag, event.video) if event.video else StopVideo(event.to_tag)
    ends = (TellTransfer(state.call, ANSWERED, "OK"), HangUp(state.call, "transferred"), CancelTimer(ONWARD))
    told = Publish("answered", {"call": event.call, "to_tag": event.to_tag, "video": event.video is not None})
    return after, (KeepOnly(event.to_tag), picture, *ends, told)


def _ended(state: Door, event: Ended) -> Step:
    others = sorted(state.screens - {state.branch})
    after = replace(state, onward="", screens=state.screens & {state.branch})
    told = Publish("transfer-failed", {"call": event.call, "code": event.code, "reason": event.reason})
    back = TellTransfer(state.call, max(event.code, 400), event.reason)
    return after, (back, *(StopVideo(to_tag) for to_tag in others), CancelTimer(ONWARD), told)


_DECISIONS: Mapping[type, Callable[[Door, Any], Step | None]] = {
    Ringing: _ringing,
    EarlyMedia: _early_media,
    Answered: _answered,
    Ended: _ended,
}
