"""A telephone of the public network behind a simulated gateway: `python -m sim.telephone --port N --number +1202...`.

The gateway is a SIP user agent on loopback that takes calls for its number, audio only and G.711, as real ones do; the
telephone behind it has a bell, a keypad whose keys travel as RFC 4733 events, and a voicemail that answers by itself.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from endpoints.composition import pjsua_agent
from endpoints.events import TimerExpired
from endpoints.log import configure_logging
from endpoints.runtime import Loop, stop_on_signals
from endpoints.sip.agent import Answered, AudioStarted, Ended, IncomingCall, SipAgent, SipSettings
from endpoints.sound import Sound
from hal.display import Display, Scene
from hal.service_port import Facts, ServicePort
from media.voice import Voice
from sim.backend import SimButton, SimContact, SimDisplay, SimKeypad, SimMicrophone, SimServicePort, SimSpeaker

RINGS = 2.0
"""Seconds after which the voicemail answers."""
MESSAGE = 40.0
"""Seconds after which the voicemail has heard enough."""
BUTTONS = ("answer", "decline", "hangup")
BUSY, DECLINED = 486, 603

log = logging.getLogger("sim.telephone")


class Phase(StrEnum):
    """Where the telephone stands."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button was pressed."""

    button: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the keypad was pressed."""

    key: str


@dataclass(slots=True)
class Parts:
    """What a telephone is made of; who makes them also closes them."""

    agent: SipAgent
    sound: Sound
    display: Display
    port: ServicePort
    voicemail: Callable[[], bool]
    """Whether the voicemail is switched on."""


class Telephone:
    """One line, one call at a time; used on the loop's thread only."""

    def __init__(self, number: str, parts: Parts, loop: Loop) -> None:
        self._number, self._parts, self._loop = number, parts, loop
        self._phase = Phase.IDLE
        self._call = self._caller = ""
        self._declined = False
        self._does: dict[type, Callable[..., None]] = {
            IncomingCall: self._rings,
            Pressed: self._pressed,
            Key: self._key,
            TimerExpired: self._expired,
            Answered: self._talks,
            AudioStarted: lambda event: self._tell("audio-started", {"call": event.call}),
            Ended: self._over,
        }

    def open(self) -> None:
        """Show that it works, and answer the service port's questions."""
        self._parts.port.provide("state", self._facts)
        self._parts.port.provide("stats", lambda: self._parts.agent.statistics(self._call))
        self._show()

    def handle(self, event: object) -> None:
        """Take one event of the loop."""
        if does := self._does.get(type(event)):
            does(event)

    # --- calls -------------------------------------------------------------------------------------------------------

    def _rings(self, event: IncomingCall) -> None:
        if self._phase is not Phase.IDLE:
            self._parts.agent.reject(event.call, BUSY)
            return
        self._call, self._caller = event.call, event.caller_name or _user(event.caller)
        self._declined = False
        self._parts.agent.ring(event.call, None)
        self._parts.sound.tone("ring")
        self._become(Phase.RINGING)
        self._tell("ringing", {"call": event.call, "caller": self._caller, "session_id": event.session_id})
        if self._parts.voicemail():
            self._loop.start_timer("voicemail", RINGS)

    def _answer(self) -> None:
        self._parts.agent.answer(self._call, None)

    def _talks(self, event: Answered) -> None:
        if event.call == self._call:
            self._loop.cancel_timer("voicemail")
            self._parts.sound.tone(None)
            self._parts.sound.start()
            self._become(Phase.TALKING)
            self._tell("answered", {"call": event.call, "caller": self._caller, "voicemail": self._parts.voicemail()})

    def _over(self, event: Ended) -> None:
        if event.call != self._call:
            return
        for name in ("voicemail", "message"):
            self._loop.cancel_timer(name)
        outcome = "hung-up" if self._phase is Phase.TALKING else "declined" if self._declined else "missed"
        self._parts.sound.tone(None)
        self._parts.sound.stop()
        self._become(Phase.IDLE)
        self._tell("ended", {"call": event.call, "outcome": outcome, "code": event.code, "reason": event.reason})
        self._call = ""

    def _expired(self, event: TimerExpired) -> None:
        if event.name == "voicemail" and self._phase is Phase.RINGING:
            self._loop.start_timer("message", MESSAGE)
            self._answer()
        elif event.name == "message" and self._phase is Phase.TALKING:
            self._parts.agent.hang_up(self._call)

    # --- a person's hands --------------------------------------------------------------------------------------------

    def _pressed(self, event: Pressed) -> None:
        if event.button == "answer" and self._phase is Phase.RINGING:
            self._answer()
        elif event.button == "decline" and self._phase is Phase.RINGING:
            self._declined = True
            self._parts.agent.reject(self._call, DECLINED)
        elif event.button == "hangup" and self._phase is Phase.TALKING:
            self._parts.agent.hang_up(self._call)

    def _key(self, event: Key) -> None:
        if self._phase is Phase.TALKING:
            self._parts.agent.send_dtmf(self._call, event.key)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _become(self, phase: Phase) -> None:
        log.info("%s -> %s", self._phase, phase)
        self._tell("state", {"old": self._phase, "new": phase})
        self._phase = phase
        self._show()

    def _show(self) -> None:
        scenes = {
            Phase.IDLE: Scene(self._number, "Telephone"),
            Phase.RINGING: Scene(f"{self._caller} is calling", "Answer or decline", ("answer", "decline")),
            Phase.TALKING: Scene(f"Talking to {self._caller}", "The keys send tones", ("hangup", "keypad")),
        }
        self._parts.display.show(scenes[self._phase])

    def _tell(self, event: str, facts: Facts) -> None:
        self._parts.port.publish(event, facts)

    def _facts(self) -> dict[str, object]:
        return {"phase": self._phase, "number": self._number, "caller": self._caller if self._call else ""}


def _user(uri: str) -> str:
    """What a telephone shows of a caller without a name."""
    return uri.partition(":")[2].partition("@")[0]


def _compose(running: ExitStack, loop: Loop, settings: SipSettings, number: str) -> Telephone:
    voice = Voice(SimMicrophone(), SimSpeaker(), processing=False)
    sound = Sound(voice)
    voicemail = SimContact("voicemail")
    agent = pjsua_agent(settings, voice, loop.post)
    parts = Parts(agent, sound, SimDisplay(), SimServicePort(), lambda: voicemail.open)
    for close in (voice.close, voicemail.close, parts.display.close, sound.close, agent.close):
        running.callback(close)
    agent.start()
    telephone = Telephone(number, parts, loop)
    telephone.open()
    _listen(running, loop)
    return telephone


def _listen(running: ExitStack, loop: Loop) -> None:
    keypad = SimKeypad()
    running.callback(keypad.close)
    keypad.listen(lambda key: loop.post(Key(key)))
    for name in BUTTONS:
        button = SimButton(name)
        running.callback(button.close)
        button.listen(partial(loop.post, Pressed(name)))


def main(argv: list[str]) -> int:
    """Run it until SIGTERM or SIGINT. Raises IntercomError if the port is taken or there is no simulator."""
    parser = argparse.ArgumentParser(prog="python -m sim.telephone", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1", help="where the gateway listens")
    parser.add_argument("--port", type=int, required=True, help="of the gateway, UDP")
    parser.add_argument("--number", required=True, help="of the telephone: +12025550147")
    options = parser.parse_args(argv)
    configure_logging()
    settings = SipSettings(
        user=options.number,
        domain=options.address,
        transport="udp",
        address=options.address,
        port=options.port,
        srtp=False,
        wideband=False,
    )
    loop = Loop()
    with stop_on_signals(loop), ExitStack() as running:
        loop.run(_compose(running, loop, settings, options.number).handle)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
