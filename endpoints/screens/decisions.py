"""What a device with a screen decides: `next_step`, which has no clock, socket or device in it.

The tables say which decision belongs to which event and button; an app that does more makes a `Behaviour` of larger
ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from endpoints.actions import CancelTimer, HangUp, Publish, Say, StartTimer, Tone
from endpoints.events import CallFailed, CallPlaced, DeviceLost, DeviceReturned, KeyPressed, TimerExpired
from endpoints.screens import browsing, departing, incoming, talking
from endpoints.screens.actions import Light, ScreenAction, ShowPicture, ShowScene
from endpoints.screens.call_log import CallsLogged
from endpoints.screens.events import Button, ButtonPressed, PeopleChanged, ScreenEvent
from endpoints.screens.messages.actions import PlayFilm, ShowLeft
from endpoints.screens.scenes import lamp_of, scene_of, tone_of
from endpoints.screens.state import DEPARTING, Outcome, Phase, Station
from endpoints.screens.transitions import Actions, Decision, S, enter, finish, note_call
from endpoints.screens.watching.actions import Watch
from endpoints.sip.agent import (
    Answered,
    AudioStarted,
    EarlyMedia,
    Ended,
    Held,
    IncomingCall,
    InfoReceived,
    Queued,
    Registered,
    RegistrationLost,
    Ringing,
    TransferAsked,
    VideoChanged,
)
from hal.display import Scene
from hal.indicator import Signal

FAILURE = 400
"""A talk that ends with such a code was not ended by a person."""
FILLS_THE_SCREEN = (ShowPicture, ShowLeft, PlayFilm, Watch)
"""Actions that bring a picture: after the scene that makes room for it."""
ButtonDecision = Callable[[Any], tuple[Station, Actions] | None]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What an app with a screen does at which event, and what it shows and plays in which state."""

    events: Mapping[type, Decision]
    scene: Callable[[Station], Scene] = scene_of
    tone: Callable[[Station], str | None] = tone_of
    lamp: Callable[[Station], Signal] = lamp_of
    late: tuple[type, ...] = FILLS_THE_SCREEN

    def next_step(self, state: Station, event: ScreenEvent) -> tuple[Station, Actions]:
        """The state after `event`, and what is to be done, in this order.

        An event that is not expected gives `state` itself.
        """
        decided = self._decide(state, event)
        if decided is None:
            return state, ()
        after, actions = decided
        pictures = tuple(action for action in actions if isinstance(action, self.late))
        others = tuple(action for action in actions if not isinstance(action, self.late))
        return after, others + phase_timers(state, after) + self._signs(state, after) + pictures

    def _decide(self, state: Station, event: ScreenEvent) -> tuple[Station, Actions] | None:
        if not _concerns(state, event):
            return None
        decision = self.events.get(type(event))
        return decision(state, event) if decision else None

    def _signs(self, before: Station, after: Station) -> tuple[ScreenAction, ...]:
        tone, lamp = self.tone(after), self.lamp(after)
        play = (Tone(tone),) if tone != self.tone(before) else ()
        light = (Light(lamp),) if lamp is not self.lamp(before) else ()
        return (*self._scenes(before, after), *play, *light)

    def _scenes(self, before: Station, after: Station) -> tuple[ScreenAction, ...]:
        """The new scene; if somebody else's picture was on the screen, without a picture first."""
        scene, old = self.scene(after), self.scene(before)
        if scene.live and old.live and after.subject != before.subject:
            return ShowScene(replace(scene, live=False)), ShowScene(scene)
        return (ShowScene(scene),) if scene != old else ()


def _concerns(state: Station, event: ScreenEvent) -> bool:
    """Whether `event` is of the present call, of none, or begins one; of another call only the end is of interest."""
    call = getattr(event, "call", None)
    return call is None or call == state.call or isinstance(event, IncomingCall | CallPlaced | Ended | Answered)


def phase_timers(before: Station, after: Station) -> tuple[ScreenAction, ...]:
    """Each phase that may not last has one timer, called like the phase."""
    if before.phase is after.phase and before.call in ("", after.call):
        return ()
    stop = (CancelTimer(before.phase),) if _limit(before) else ()
    start = (StartTimer(after.phase, _limit(after)),) if _limit(after) else ()
    return (*stop, *start)


def _limit(state: Station) -> float:
    rules = state.rules
    limits = {
        Phase.DIALLING: rules.dial,
        Phase.CALLING: rules.reach,
        Phase.QUEUED: rules.queue,
        Phase.ALERTING: rules.patience,
        Phase.RINGING: rules.ring,
        Phase.ENDED: rules.sign,
        Phase.BROWSING: rules.browse,
        Phase.MESSAGES: rules.browse,
        Phase.WATCHING: rules.watch,
    }
    if state.phase is Phase.PLAYING and (shown := state.mailbox.shown):
        return rules.film + shown.duration_ms / 1000
    return limits.get(state.phase, 0.0)


# --- the call's end -------------------------------------------------------------------------------------------------


def ended(state: S, event: Ended) -> tuple[S, Actions] | None:
    """The other side, the server or another device ended the call."""
    if event.call == state.before != "":
        return departing.before_ended(state, event)
    if event.call != state.call or not state.in_call:
        return None
    if state.phase in DEPARTING:
        return departing.not_answered(state, event.code, event.reason)
    if event.elsewhere:
        after, actions = finish(state, Outcome.ELSEWHERE, event.code, event.reason)
        return after, (*actions, note_call(state, Outcome.ELSEWHERE))
    if state.phase is Phase.RINGING:
        return incoming.nobody_answered(state, event.code, event.reason)
    if state.phase is Phase.TALKING and event.code >= FAILURE:
        after, actions = finish(state, Outcome.LOST, event.code, event.reason)
        return after, (*actions, Say((Outcome.LOST,)))
    return finish(state, Outcome.HUNG_UP, event.code, event.reason)


def _answered(state: S, event: Answered) -> tuple[S, Actions] | None:
    if event.call != state.call:
        return state, (HangUp(event.call, "nobody wants this call any more"),)
    return incoming.answered(state, event)


# --- buttons --------------------------------------------------------------------------------------------------------


def red(state: S) -> tuple[S, Actions] | None:
    """Decline and hang up: the one that a device has does what the moment asks for."""
    match state.phase:
        case Phase.RINGING:
            return incoming.decline(state)
        case Phase.ANSWERING | Phase.TALKING:
            return incoming.hang_up(state)
        case Phase.CALLING | Phase.QUEUED | Phase.ALERTING:
            return departing.cancel(state)
        case Phase.ENDED | Phase.DIALLING | Phase.BROWSING:
            return enter(state, Phase.IDLE, typed=""), ()
        case _:
            return (replace(state, missed=0, last_missed=""), (Publish("missed-seen"),)) if state.missed else None


def do_not_disturb(state: S) -> tuple[S, Actions]:
    """On and off."""
    on = not state.do_not_disturb
    return replace(state, do_not_disturb=on), (Publish("do-not-disturb", {"on": on}),)


BUTTONS: dict[Button, ButtonDecision] = {
    Button.ANSWER: incoming.answer,
    Button.DECLINE: red,
    Button.HANGUP: red,
    Button.UNLOCK: talking.unlock,
    Button.MUTE: talking.mute,
    Button.DND: do_not_disturb,
    Button.CALL: departing.dial,
    Button.GUARD: departing.call_guard,
    Button.EMERGENCY: departing.call_for_help,
    Button.HISTORY: browsing.browse,
}


def by_button(buttons: Mapping[Button, ButtonDecision]) -> Decision:
    """The decision about `ButtonPressed` of an app with these buttons."""

    def press(state: Station, event: ButtonPressed) -> tuple[Station, Actions] | None:
        decision = buttons.get(event.button)
        return decision(state) if decision else None

    return press


# --- time, devices, registration ------------------------------------------------------------------------------------


def timer(state: S, event: TimerExpired) -> tuple[S, Actions] | None:
    """A limit was reached."""
    if event.name == state.phase:
        return _phase_over(state)
    match event.name:
        case "unlock":
            return talking.no_answer_to_unlock(state)
        case "note" if state.note:
            return replace(state, note=""), ()
        case _:
            return None


def _phase_over(state: S) -> tuple[S, Actions] | None:
    match state.phase:
        case Phase.RINGING:
            return incoming.rang_too_long(state)
        case Phase.CALLING | Phase.QUEUED | Phase.ALERTING:
            return departing.took_too_long(state)
        case Phase.ENDED | Phase.DIALLING | Phase.BROWSING:
            return enter(state, Phase.IDLE, typed=""), ()
        case _:
            return None


def _lost(state: S, event: DeviceLost) -> tuple[S, Actions]:
    facts = {"device": event.name, "why": event.why}
    return replace(state, missing=state.missing | {event.name}), (Publish("device-lost", facts),)


def _returned(state: S, event: DeviceReturned) -> tuple[S, Actions]:
    return replace(state, missing=state.missing - {event.name}), (Publish("device-returned", {"device": event.name}),)


def registered(state: S, event: Registered) -> tuple[S, Actions]:
    """The server knows where this device is."""
    facts = {"server": event.server} if event.server else {}
    return replace(state, registered=True, registered_at=event.server, domain=event.domain), (
        Publish("registered", facts),
    )


def _unregistered(state: S, event: RegistrationLost) -> tuple[S, Actions]:
    facts = {"code": event.code, "reason": event.reason, "refused": event.refused}
    return replace(state, registered=False), (Publish("registration-lost", facts),)


def _people_changed(state: S, event: PeopleChanged) -> tuple[S, Actions]:
    return replace(state, rules=replace(state.rules, people=event.people)), ()


EVENTS: dict[type, Decision] = {
    IncomingCall: incoming.incoming,
    Answered: _answered,
    Ended: ended,
    CallPlaced: departing.placed,
    CallFailed: departing.failed,
    Queued: departing.queued,
    Ringing: departing.ringing,
    EarlyMedia: departing.early_media,
    TransferAsked: departing.transfer_asked,
    KeyPressed: departing.key,
    VideoChanged: talking.video_changed,
    Held: talking.held,
    AudioStarted: talking.audio,
    InfoReceived: talking.info,
    TimerExpired: timer,
    DeviceLost: _lost,
    DeviceReturned: _returned,
    Registered: registered,
    RegistrationLost: _unregistered,
    ButtonPressed: by_button(BUTTONS),
    CallsLogged: browsing.logged,
    PeopleChanged: _people_changed,
}
