"""A resident's device at work: does what the decisions say, and tells the service port."""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from endpoints.events import CancelTimer, Complain, HangUp, Publish, StartTimer, Tone
from endpoints.resident import actions as do
from endpoints.resident.decisions import next_step
from endpoints.resident.events import ResidentEvent
from endpoints.resident.screen import Screen
from endpoints.resident.state import Resident, Rules, scene_of
from endpoints.runtime import Loop, Machine, process_figures
from endpoints.sip.agent import IncomingCall, SipAgent
from endpoints.sound import Sound
from endpoints.unlock import UNLOCK_TYPE, sign
from hal.display import Display
from hal.service_port import Facts, ServicePort
from media.description import VideoMedia

log = logging.getLogger(__name__)

MISSED_KEPT = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """With what this device proves to a door who it is."""

    device: str
    flat: str
    unlock_key: str = field(default="", repr=False)
    """Base64 Ed25519 private key, "" if this device may open no door."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a resident's device is made of; who makes them also closes them."""

    agent: SipAgent
    sound: Sound
    display: Display
    port: ServicePort | None
    identity: Identity
    address: str
    """Where pictures are received; an unspecified address means the one towards the door."""


class ResidentApp:
    """One indoor unit or phone."""

    def __init__(self, parts: Parts, rules: Rules, loop: Loop) -> None:
        self._parts, self._loop = parts, loop
        self.screen = Screen(parts.display, parts.address, self._first_picture)
        self._machine: Machine[Resident, ResidentEvent, do.ResidentAction] = Machine(
            Resident(rules), next_step, self._perform, self._tell_phase
        )
        self._missed: deque[dict[str, str]] = deque(maxlen=MISSED_KEPT)
        self._video: VideoMedia | None = None
        """Our section of the present call's answer."""
        self._invited = 0.0
        self._does = self._table()

    @property
    def state(self) -> Resident:
        """What the device knows; from any thread."""
        return self._machine.state

    @property
    def sound(self) -> Sound:
        """Microphone, speaker and tones."""
        return self._parts.sound

    def open(self) -> None:
        """Show the first scene and answer the service port's questions."""
        self._parts.display.show(scene_of(self.state))
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
        if self.state.in_call:
            self._parts.agent.hang_up(self.state.call, "the device is switched off")
        self._end_call(do.EndCall())

    # --- doing ------------------------------------------------------------------------------------------------------

    def _perform(self, action: do.ResidentAction) -> ResidentEvent | None:
        self._does[type(action)](action)
        return None

    def _table(self) -> dict[type, Callable[[Any], None]]:
        agent, sound, loop = self._parts.agent, self._parts.sound, self._loop
        return {
            do.Ring: self._ring,
            do.Answer: self._answer,
            do.Reject: lambda action: agent.reject(action.call, action.code),
            do.WatchVideo: lambda action: self.screen.move(action.video),
            do.EndCall: self._end_call,
            do.Mute: lambda action: sound.mute(action.on),
            do.SendUnlock: self._send_unlock,
            do.NoteMissed: self._note_missed,
            do.ShowScene: lambda action: self._parts.display.show(action.scene),
            StartTimer: lambda action: loop.start_timer(action.name, action.seconds),
            CancelTimer: lambda action: loop.cancel_timer(action.name),
            Tone: lambda action: sound.tone(action.name),
            HangUp: lambda action: agent.hang_up(action.call, action.reason),
            Publish: lambda action: self._publish(action.event, action.facts),
            Complain: lambda action: log.warning("%s", action.sentence),
        }

    def _ring(self, action: do.Ring) -> None:
        # The receiver listens before the 183 goes out: the door's first packets are the key frame.
        self._video = self.screen.watch(action.video) if action.video else None
        self._parts.agent.ring(action.call, self._video)

    def _answer(self, action: do.Answer) -> None:
        self._parts.agent.answer(action.call, self._video)
        self._parts.sound.start()

    def _end_call(self, action: do.EndCall) -> None:
        self._parts.sound.stop()
        self.screen.end()
        self._video = None

    def _send_unlock(self, action: do.SendUnlock) -> None:
        who = self._parts.identity
        request = sign(who.unlock_key, action.challenge, action.session_id, who.flat, who.device)
        self._parts.agent.send_info(action.call, UNLOCK_TYPE, request.to_json())

    def _note_missed(self, action: do.NoteMissed) -> None:
        note = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "caller": action.caller, "why": action.why}
        self._missed.append(note)
        self._publish("missed", note)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell_phase(self, old: str, new: str, why: str) -> None:
        self._publish("state", {"old": old, "new": new, "why": why})

    def _publish(self, event: str, facts: Facts) -> None:
        if self._parts.port is not None:
            self._parts.port.publish(event, facts)

    def _first_picture(self) -> None:
        after = round(1000 * (time.monotonic() - self._invited), 1)
        self._publish("first-picture", {"call": self.state.call, "after_ms": after})

    def _state_facts(self) -> dict[str, object]:
        state = self.state
        facts = asdict(state)
        for secret in ("rules", "challenge"):
            del facts[secret]
        scene = asdict(scene_of(state))
        return {**facts, "missing": sorted(state.missing), "missed_calls": list(self._missed), "scene": scene}

    def _figures(self) -> dict[str, object]:
        return {
            "now": time.monotonic(),
            "process": process_figures(),
            "video": self.screen.statistics(),
            "audio": {**self._parts.agent.statistics(self.state.call), **self._parts.sound.levels()},
        }
