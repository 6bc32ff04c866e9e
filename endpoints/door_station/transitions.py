"""The steps that several events lead to: a call begins, goes on by another way, ends; a refusal, the lock, an alarm."""

from dataclasses import replace
from typing import Any

from endpoints.actions import CancelTimer, HangUp, Publish, Say, StartTimer, Tone
from endpoints.door_station.actions import (
    Call,
    DoorAction,
    EndVisit,
    Forget,
    KeepPicture,
    OfferMessage,
    PulseLock,
    StopVideo,
    StopVoice,
)
from endpoints.door_station.chain import Failure, Next, Outcome, better, remaining
from endpoints.door_station.state import Door, Phase

Step = tuple[Door, tuple[DoorAction, ...]]
HURRY, TOTAL, ONWARD = "hurry", "total", "onward"
RELOCK, DOOR_OPEN, LOCKOUT = "relock", "door-open", "lockout"
"""The timers that run beside the one of each phase."""


def enter(state: Door, phase: Phase, **changes: Any) -> Door:
    """The one place where a phase changes."""
    return replace(state, phase=phase, **changes)


def refuse(state: Door, outcome: Outcome) -> Step:
    """Show and tell the visitor that this does not work."""
    after = enter(state, Phase.ENDED, dialled="", outcome=outcome)
    return after, (Publish("refused", {"why": outcome}),)


# --- the visit ------------------------------------------------------------------------------------------------------


def call(state: Door, number: str) -> Step:
    """A visit begins, if that number calls anybody."""
    home = state.homes.get(number)
    if home is None or not home.ways:
        return refuse(state, Outcome.WRONG_FLAT)
    begun = replace(
        state, dialled="", flat=home.number, ways=home.ways, keys=home.keys, queued=False, late=False, digits_by="",
        outcome=Outcome.NONE, hurried=True, session_id="", deposits=state.rules.messages and home.takes_messages,
    )  # fmt: skip
    after, actions = attempt(begun)
    return after, (*actions, StartTimer(HURRY, state.rules.hurry), StartTimer(TOTAL, state.rules.total))


def keep_picture(state: Door, event: str) -> tuple[DoorAction, ...]:
    """The picture of this moment is kept for whom this visit calls, if they take such things."""
    return (KeepPicture(event, state.flat, state.session_id),) if state.deposits else ()


def keep_tamper(state: Door) -> tuple[DoorAction, ...]:
    """Whoever opens the case is no visitor of a home: the picture stays on the door, unless a visit is on."""
    mine = (KeepPicture("tamper"),) if state.rules.messages else ()
    return keep_picture(state, "tamper") if state.in_visit and state.deposits else mine


def attempt(state: Door) -> Step:
    """Call the first of the ways that are left."""
    after = enter(state, Phase.CALLING, call="", branch="", screens=frozenset(), tried=False, queued=False)
    way = state.ways[0]
    return after, (Call(state.flat, way, state.keys), Publish("stage", {"stage": way.stage, "flat": state.flat}))


def give_up(state: Door, why: Failure, hang_up: bool = False) -> Step:
    """The present way came to nothing: on to the next one, or the end."""
    outcome = why.outcome if why.then is Next.END else better(state.outcome, why.outcome)
    ways = remaining(state.ways, why.then)
    if not ways or state.late:
        return finish(state, outcome, why.code, why.reason, hang_up)
    words = (Say((f"calling-{ways[0].stage}",)),) if ways[0].stage != state.stage else ()
    facts = {"stage": state.stage, "call": state.call, "why": why.outcome, "code": why.code, "reason": why.reason}
    hush = (StopVoice(),) if state.phase is Phase.CONFIRMING else ()
    after = replace(state, ways=ways, outcome=outcome)
    after, actions = leave(after) if hang_up else attempt(after)
    return after, (Publish("stage-over", facts), *hush, *actions, *words)


def leave(state: Door) -> Step:
    """End the present call; what comes next waits until it is over."""
    stop = tuple(StopVideo(to_tag) for to_tag in sorted(state.screens))
    after = enter(state, Phase.CHANGING, branch="", screens=frozenset())
    return after, (HangUp(state.call, "the door calls elsewhere"), *stop)


def finish(state: Door, outcome: Outcome, code: int = 0, reason: str = "", hang_up: bool = False) -> Step:
    """The visit is over; what the visitor or the resident ended needs no sign, everything else gets one."""
    quiet, offered = outcome in (Outcome.CANCELLED, Outcome.HUNG_UP), _may_leave_message(state, outcome)
    phase = Phase.OFFERING if offered else Phase.IDLE if quiet else Phase.ENDED
    after = enter(
        state, phase, deposits=offered, call="", onward="", branch="", screens=frozenset(), ways=(),
        keys={}, queued=False, outcome=outcome, hurried=False,
    )  # fmt: skip
    calls = (state.call if hang_up else "", state.onward)
    ends = tuple(HangUp(one, outcome) for one in calls if one)
    facts = {"call": state.call, "flat": state.flat, "outcome": outcome, "code": code, "reason": reason}
    told = Publish("ended", {**facts, "stage": state.stage})
    forget = (Forget(),) if state.deposits and not offered else ()
    words: tuple[DoorAction, ...] = (Say((outcome,)),) if outcome in SPOKEN else ()
    words = (OfferMessage((outcome, "leave-message")),) if offered else words
    return after, (*ends, EndVisit(), *forget, CancelTimer(HURRY), CancelTimer(TOTAL), told, *words)


def _may_leave_message(state: Door, outcome: Outcome) -> bool:
    """Whether nobody answered in any stage. Who declined has seen the visitor, and who left has nothing to say."""
    return state.deposits and state.keeps and outcome in UNANSWERED


SPOKEN = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.DECLINED, Outcome.UNREACHABLE, Outcome.LOST})
"""The ends of a visit that are told in words, prompts of the same name."""
UNANSWERED = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.UNREACHABLE})
"""The ends of a visit after which a message may be left (V5)."""


# --- the lock and the alarms ----------------------------------------------------------------------------------------


def unlock(state: Door, how: str, who: str) -> Step:
    """The door opens, whatever else goes on."""
    opens = (PulseLock(how, who), StartTimer(RELOCK, state.rules.pulse), Tone("confirm"))
    return replace(state, unlocked=True), (*opens, *(keep_picture(state, "unlock") if state.in_visit else ()))


def alarm(state: Door, name: str, on: bool) -> Step:
    """An alarm begins or ends."""
    if (name in state.alarms) is on:
        return state, ()
    alarms = state.alarms | {name} if on else state.alarms - {name}
    return replace(state, alarms=alarms), (Publish("alarm", {"alarm": name, "on": on}),)
