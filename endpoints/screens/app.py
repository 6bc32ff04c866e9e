"""A device with a screen at work: does what the decisions say, and tells the service port."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from endpoints.actions import (
    Answer,
)
from endpoints.errors import SipError
from endpoints.events import CallFailed, CallPlaced
from endpoints.performing import common_table
from endpoints.runtime import Loop, Machine, process_figures
from endpoints.screens import actions as do
from endpoints.screens.call_log import TAKEN, CallLog
from endpoints.screens.call_recorder import CallRecorder
from endpoints.screens.decisions import Behaviour
from endpoints.screens.events import ScreenEvent
from endpoints.screens.screen import Screen
from endpoints.screens.state import Station
from endpoints.sip.agent import IncomingCall, SipAgent
from endpoints.sip.message import new_session_id
from endpoints.sound import Sound
from endpoints.unlock import UNLOCK_TYPE, sign
from hal.display import Display
from hal.indicator import Indicator
from hal.service_port import Facts, ServicePort
from media.description import VideoMedia

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """With what this device proves to a door who it is."""

    device: str
    flat: str
    """The flat that the door called; of a console "guard"."""
    unlock_key: str = field(default="", repr=False)
    """Base64 Ed25519 private key, "" if this device may open no door."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a device with a screen is made of; who makes them also closes them."""

    agent: SipAgent
    sound: Sound
    display: Display
    port: ServicePort | None
    identity: Identity
    screen: Screen
    calls: CallLog
    recorder: CallRecorder
    registrars: Mapping[str, str]
    """The URI of each server by its name, "" of the only one: pictures of our own calls go that way."""
    indicator: Indicator | None = None
    more: Mapping[type, Callable[[Any], None]] = field(default_factory=dict)
    """How actions are done that only some devices know."""


class ScreenApp:
    """One indoor unit, phone or console."""

    def __init__(self, parts: Parts, state: Station, behaviour: Behaviour, loop: Loop) -> None:
        self._parts, self._loop, self._behaviour = parts, loop, behaviour
        self.screen = parts.screen
        self.screen.on_first = self._first_picture
        self._machine: Machine[Station, ScreenEvent, do.ScreenAction] = Machine(
            state, behaviour.next_step, self._perform, self._tell_phase
        )
        self._video: VideoMedia | None = None
        """Our section of the present call's answer."""
        self._invited = 0.0
        self._does = self._table()

    @property
    def state(self) -> Station:
        """What the device knows; from any thread."""
        return self._machine.state

    @property
    def sound(self) -> Sound:
        """Microphone, speaker and tones."""
        return self._parts.sound

    def open(self) -> None:
        """Show the first scene and answer the service port's questions."""
        self._parts.display.show(self._behaviour.scene(self.state))
        self._light(do.Light(self._behaviour.lamp(self.state)))
        if self._parts.port is not None:
            self._parts.port.provide("state", self._state_facts)
            self._parts.port.provide("stats", self._figures)

    def handle(self, event: Any) -> None:
        """Take one event of the loop."""
        if isinstance(event, IncomingCall) and not self.state.in_call:
            self._invited = time.monotonic()
        self._machine.handle(event)

    def close(self) -> None:
        """End the call, if there is one."""
        for call in self.state.calls:
            self._parts.agent.hang_up(call, "the device is switched off")
        self._end_call(do.EndCall())

    # --- doing ------------------------------------------------------------------------------------------------------

    def _perform(self, action: do.ScreenAction) -> ScreenEvent | None:
        return self._does[type(action)](action)

    def _table(self) -> dict[type, Callable[[Any], ScreenEvent | None]]:
        agent, sound, screen = self._parts.agent, self._parts.sound, self.screen
        return {
            **common_table(agent, sound, self._loop, self._publish),
            do.Ring: self._ring,
            Answer: self._answer,
            do.Place: self._place,
            do.ShowBranch: lambda action: screen.branch(action.to_tag, action.video),
            do.WatchVideo: lambda action: screen.move(action.video, action.to_tag),
            do.EndCall: self._end_call,
            do.Mute: lambda action: sound.mute(action.on),
            do.SendUnlock: self._send_unlock,
            do.Transfer: lambda action: agent.transfer(action.call, self._uri(action.user)),
            do.NoteCall: self._note_call,
            do.ShowPicture: self._show_picture,
            do.ShowScene: lambda action: self._parts.display.show(action.scene),
            do.Light: self._light,
            **self._parts.more,
        }

    def _ring(self, action: do.Ring) -> None:
        # The receiver listens before the 183 goes out: the door's first packets are the key frame.
        self._video = self.screen.watch(action.video) if action.video else None
        self._parts.agent.ring(action.call, self._video)

    def _answer(self, action: Answer) -> None:
        self._parts.agent.answer(action.call, self._video)
        self._parts.sound.start()

    def _uri(self, user: str) -> str:
        return f"sip:{user}@{self.state.domain or self.state.rules.domain}"

    def _place(self, action: do.Place) -> ScreenEvent:
        session_id = action.session_id or new_session_id()
        headers = {"Priority": "emergency"} if action.emergency else {}
        registrars = self._parts.registrars
        self._invited = time.monotonic()
        video = self.screen.offer(registrars.get(self.state.registered_at) or registrars[""])
        try:
            call = self._parts.agent.call(self._uri(action.user), video, session_id, headers)
        except SipError as error:
            log.error("%s cannot be called: %s", action.user, error)
            return CallFailed(str(error))
        return CallPlaced(call, session_id)

    def _end_call(self, action: do.EndCall) -> None:
        self._parts.sound.stop()
        self.screen.end()
        self._video = None

    def _send_unlock(self, action: do.SendUnlock) -> None:
        who = self._parts.identity
        request = sign(who.unlock_key, action.challenge, action.session_id, who.flat, who.device)
        self._parts.agent.send_info(action.call, UNLOCK_TYPE, request.to_json())

    def _note_call(self, action: do.NoteCall) -> None:
        facts = {"caller": action.caller, "address": action.address, "emergency": action.emergency, "why": action.how}
        note = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        if action.beside:
            self._parts.recorder.refused(action)
        self._publish("call-noted" if action.how in TAKEN else "missed", note)

    def _light(self, action: do.Light) -> None:
        if self._parts.indicator is not None:
            self._parts.indicator.show(action.signal)

    def _show_picture(self, action: do.ShowPicture) -> None:
        self._parts.calls.beside(lambda: self._show_kept(action.name))

    def _show_kept(self, name: str) -> None:
        """On the log's thread; by then somebody may have rung."""
        picture = self._parts.calls.picture(name)
        if picture is not None and self.state.browsed_picture == name:
            self._parts.display.picture(picture)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell_phase(self, old: str, new: str, why: str) -> None:
        self._publish("state", {"old": old, "new": new, "why": why})

    def _publish(self, event: str, facts: Facts) -> None:
        self._parts.recorder.note(event, facts, self.state, self.screen.take_first)
        if self._parts.port is not None:
            self._parts.port.publish(event, facts)

    def _first_picture(self) -> None:
        after = round(1000 * (time.monotonic() - self._invited), 1)
        self._publish("first-picture", {"call": self.state.call, "after_ms": after})

    def _state_facts(self) -> dict[str, object]:
        state, calls = self.state, self._parts.calls.calls[::-1]
        missed = [call.model_dump() for call in calls if call.missed]
        scene = asdict(self._behaviour.scene(state))
        return {**state.facts(), "missed_calls": missed, "calls": [call.model_dump() for call in calls], "scene": scene}

    def _figures(self) -> dict[str, object]:
        return {
            "now": time.monotonic(),
            "process": process_figures(),
            "video": self.screen.statistics(),
            "audio": {**self._parts.agent.statistics(self.state.call), **self._parts.sound.levels()},
        }
