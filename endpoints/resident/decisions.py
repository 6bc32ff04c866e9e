"""What indoor unit and phone decide beyond any device with a screen: the home's messages, doors to watch."""

from dataclasses import dataclass

from endpoints.events import KeyPressed, TimerExpired
from endpoints.screens import decisions as common
from endpoints.screens.decisions import Behaviour, ButtonDecision
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.messages import decisions as messages
from endpoints.screens.messages.events import FilmBegan, FilmOver, MailChanged, MailLost, NotDeleted
from endpoints.screens.state import Phase, Station
from endpoints.screens.transitions import Actions, Decision, S
from endpoints.screens.watching import decisions as watching
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.sip.agent import Registered

LOUDER = (Button.GUARD, Button.EMERGENCY)
"""What these are for begins at once, whatever is on the screen."""


@dataclass(frozen=True, slots=True)
class ResidentBehaviour(Behaviour):
    """Whatever ends a look at messages or doors also ends sound and pictures of it, before anything else is done."""

    def _decide(self, state: Station, event: ScreenEvent) -> tuple[Station, Actions] | None:
        # The class is named: in a dataclass with slots, super() without arguments finds no class.
        decided = Behaviour._decide(self, state, event)
        if decided is None:
            return None
        after, actions = decided
        after, film = messages.tidy(state, after)
        after, picture = watching.tidy(state, after)
        return after, (*film, *picture, *actions)


def _press(state: Station, event: ButtonPressed) -> tuple[Station, Actions] | None:
    if state.phase is Phase.PLAYING and event.button not in LOUDER:
        return messages.stop(state)
    decision = BUTTONS.get(event.button)
    return decision(state) if decision else None


def _key(state: Station, event: KeyPressed) -> tuple[Station, Actions] | None:
    if state.phase is Phase.PLAYING:
        return messages.stop(state)
    return common.EVENTS[KeyPressed](state, event)


def _red(state: Station) -> tuple[Station, Actions] | None:
    match state.phase:
        case Phase.MESSAGES:
            return messages.leave(state)
        case Phase.WATCHING:
            return watching.leave(state)
        case _:
            return common.red(state)


def _timer(state: Station, event: TimerExpired) -> tuple[Station, Actions] | None:
    if state.phase in messages.OPEN and event.name == state.phase:
        return messages.took_too_long(state)
    if event.name == state.phase == Phase.WATCHING:
        return watching.leave(state)
    return common.timer(state, event)


def _registered(state: S, event: Registered) -> tuple[S, Actions]:
    after, actions = common.registered(state, event)
    return after, (*actions, *messages.registered(after, event), *watching.registered(after, event))


BUTTONS: dict[Button, ButtonDecision] = {
    **common.BUTTONS,
    Button.DECLINE: _red,
    Button.HANGUP: _red,
    Button.MESSAGES: messages.look,
    Button.PLAY: messages.play,
    Button.DELETE: messages.delete,
    Button.MONITOR: watching.watch,
}
EVENTS: dict[type, Decision] = {
    **common.EVENTS,
    ButtonPressed: _press,
    KeyPressed: _key,
    TimerExpired: _timer,
    Registered: _registered,
    MailChanged: messages.changed,
    MailLost: messages.lost,
    NotDeleted: messages.not_deleted,
    FilmBegan: messages.began,
    FilmOver: messages.over,
    SourcesTold: watching.sources_told,
    WatchLive: watching.live,
    WatchTold: watching.told,
    WatchOver: watching.over,
}
RESIDENT = ResidentBehaviour(EVENTS)
"""Indoor unit and phone."""
