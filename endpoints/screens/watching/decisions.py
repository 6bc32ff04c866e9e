"""Decisions about watching: one press shows the first door, the next press the next one, then the cameras."""

from dataclasses import replace

from endpoints.actions import Publish, StartTimer
from endpoints.screens.state import Phase, Station
from endpoints.screens.transitions import Actions, S, enter
from endpoints.screens.watching.actions import AskSources, Watch, WatchNoMore
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.screens.watching.lease import Watchable
from endpoints.sip.agent import Registered

NOT_REACHABLE = "Not reachable"


def watch(state: S) -> tuple[S, Actions] | None:
    """The monitor button."""
    if state.in_call or "monitor" not in state.rules.offers:
        return None
    watching = state.watching
    if state.phase is Phase.WATCHING:
        following = watching.next()
        return _begin(state, following) if following else (enter(state, Phase.IDLE), ())
    ask = AskSources(state.registered_at)  # there may be new ones
    if not watching.sources:
        return enter(state, Phase.WATCHING, typed="", watching=replace(watching, at="", why="")), (ask,)
    after, actions = _begin(state, watching.sources[0])
    return after, (ask, *actions)


def _begin(state: S, source: Watchable) -> tuple[S, Actions]:
    watching = replace(state.watching, at=source.name, live=False, viewers=0, late_ms=0, why="")
    after = enter(state, Phase.WATCHING, typed="", watching=watching)
    again = (StartTimer(Phase.WATCHING, state.rules.watch),) if state.phase is Phase.WATCHING else ()
    return after, (*again, Watch(source.name), Publish("watching", {"target": source.name}))


def leave(state: S) -> tuple[S, Actions]:
    """The red button, or nobody looks any more."""
    return enter(state, Phase.IDLE), ()


def registered(state: Station, event: Registered) -> Actions:
    """The server where the device is registered knows what it may watch."""
    return (AskSources(event.server),) if "monitor" in state.rules.offers else ()


def sources_told(state: S, event: SourcesTold) -> tuple[S, Actions] | None:
    """The list; who waits for it begins to watch."""
    waits = state.phase is Phase.WATCHING and not state.watching.at
    if event.sources is None:
        return (replace(state, watching=replace(state.watching, why=NOT_REACHABLE)), ()) if waits else None
    after = replace(state, watching=replace(state.watching, sources=event.sources))
    if not waits:
        return after, ()
    if not event.sources:
        return replace(after, watching=replace(after.watching, why="There is nothing to watch")), ()
    return _begin(after, event.sources[0])


def live(state: S, event: WatchLive) -> tuple[S, Actions] | None:
    """The first picture."""
    if not _is_on(state, event.target):
        return None
    after = replace(state, watching=replace(state.watching, live=True))
    return after, (Publish("watch-picture", {"target": event.target, "after_ms": event.after_ms}),)


def told(state: S, event: WatchTold) -> tuple[S, Actions] | None:
    """Viewers and lateness."""
    if not _is_on(state, event.target):
        return None
    return replace(state, watching=replace(state.watching, viewers=event.viewers, late_ms=event.late_ms)), ()


def over(state: S, event: WatchOver) -> tuple[S, Actions] | None:
    """It ended by itself; why is on the screen until somebody presses."""
    if not _is_on(state, event.target):
        return None
    told_of = Publish("watched", {"target": event.target, "why": event.why})
    return replace(state, watching=replace(state.watching, live=False, why=event.why)), (told_of,)


def _is_on(state: Station, target: str) -> bool:
    return state.phase is Phase.WATCHING and state.watching.at == target


def tidy(before: Station, after: S) -> tuple[S, Actions]:
    """Whatever ends watching: before anything else, so that a call has the screen at once."""
    if before.phase is not Phase.WATCHING or after.phase is Phase.WATCHING:
        return after, ()
    told_of = (Publish("watched", {"target": before.watching.at, "why": "left"}),) if before.watching.live else ()
    return replace(after, watching=replace(after.watching, at="", live=False, why="")), (WatchNoMore(), *told_of)
