"""The steps that several events lead to: a call ends, is missed, a note is shown."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from endpoints.actions import CancelTimer, HangUp, Publish, StartTimer, TellTransfer
from endpoints.screens.actions import EndCall, NoteCall, ScreenAction
from endpoints.screens.state import Outcome, Phase, Station

S = TypeVar("S", bound=Station)
Actions = tuple[ScreenAction, ...]
Decision = Callable[[Any, Any], tuple[Station, Actions] | None]
"""Of one kind of event: state and event in; None if nothing follows."""
UNLOCK, NOTE, TRANSFER = "unlock", "note", "transfer"
"""The timers that run beside the one of each phase."""


def enter(state: S, phase: Phase, **changes: Any) -> S:
    """The one place where a phase changes."""
    return replace(state, phase=phase, **changes)


def finish(state: S, outcome: Outcome, code: int = 0, reason: str = "", here: bool = False) -> tuple[S, Actions]:
    """The call is over; `here`: by a person at this device, who needs no sign of it."""
    after = enter(
        state, Phase.IDLE if here else Phase.ENDED, call="", session_id="", challenge="", dialled="", emergency=False,
        live=False, position=0, muted=False, held=False, unlocking=False, transferring=False, note="", before="",
        before_caller="", typed="", outcome=outcome, last_session=state.session_id,
    )  # fmt: skip
    facts = {"call": state.call, "caller": state.caller, "outcome": outcome, "code": code, "reason": reason}
    timers = tuple(CancelTimer(name) for name in (UNLOCK, NOTE, TRANSFER))
    return after, (EndCall(), *timers, Publish("ended", facts))


def note_call(state: S, how: str) -> NoteCall:
    """The present call, for the list of calls that came."""
    return NoteCall(state.caller, state.address, how, state.emergency, session_id=state.session_id)


def missed(state: S, note: NoteCall) -> tuple[S, Actions]:
    """A call that nobody took here is counted and written down."""
    return replace(state, missed=state.missed + 1, last_missed=note.caller), (note,)


def hand_over(state: Station) -> Actions:
    """The call that a transfer asked for is answered: the one before it is over."""
    return (TellTransfer(state.before, 200), HangUp(state.before)) if state.before else ()


def say(state: S, words: str) -> tuple[S, Actions]:
    """Show `words` for a while."""
    return replace(state, note=words), (StartTimer(NOTE, state.rules.note),)
