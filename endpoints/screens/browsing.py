"""Decisions about the list of calls: one more press shows the call before."""

from dataclasses import replace

from endpoints.actions import CancelTimer, Publish, StartTimer
from endpoints.screens.actions import ShowPicture
from endpoints.screens.call_log import CallsLogged
from endpoints.screens.state import Phase
from endpoints.screens.transitions import Actions, S, enter


def browse(state: S) -> tuple[S, Actions] | None:
    """The newest call first; who looks at the list has seen what was missed. After the oldest it is over."""
    if state.in_call or not state.history:
        return None
    at = state.browsed + 1 if state.phase is Phase.BROWSING else 0
    if at == len(state.history):
        return enter(state, Phase.IDLE), ()
    seen = (Publish("missed-seen"),) if state.missed else ()
    after = enter(state, Phase.BROWSING, browsed=at, missed=0, last_missed="", typed="")
    again = (StartTimer(Phase.BROWSING, state.rules.browse),) if state.phase is Phase.BROWSING else ()
    picture = (ShowPicture(after.browsed_picture),) if after.browsed_picture else ()
    return after, (*again, *picture, *seen)


def logged(state: S, event: CallsLogged) -> tuple[S, Actions]:
    """A call more; the one that is shown stays the one that is shown."""
    after = replace(state, history=event.calls)
    if state.phase is not Phase.BROWSING:
        return after, ()
    moved = state.browsed + len(event.calls) - len(state.history)
    if 0 <= moved < len(event.calls):
        return replace(after, browsed=moved), ()
    return enter(after, Phase.IDLE, browsed=0), (CancelTimer(Phase.BROWSING),)
