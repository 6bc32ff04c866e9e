"""The door station at work: does what the decisions say, and tells the service port."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from endpoints.actions import (
    Answer,
)
from endpoints.addresses import media_address
from endpoints.door_station import actions as do
from endpoints.door_station.album import Album
from endpoints.door_station.chain import TELEPHONE, Home
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import CodeChecked, DoorEvent, OnwardPlaced, UnlockGranted
from endpoints.door_station.keeping.items import Event
from endpoints.door_station.pictures import Pictures
from endpoints.door_station.state import Door, Rules, signal_of
from endpoints.door_station.telephone import ANSWERS, PAUSE, PRESS_ONE, TelephoneUnlock, masked_number
from endpoints.door_station.visit_record import VisitRecorder
from endpoints.errors import SipError
from endpoints.events import CallFailed, CallPlaced, DeviceLost
from endpoints.performing import common_table
from endpoints.runtime import Loop, Machine, process_figures
from endpoints.sip.agent import CallId, SipAgent
from endpoints.sip.message import new_session_id
from endpoints.sound import Sound
from endpoints.unlock import CHALLENGE_HEADER, RESULT_TYPE, AttemptLog, Reason, Result, UnlockJudge, Verdict
from hal.errors import HalError
from hal.indicator import Indicator
from hal.relay import Relay
from hal.service_port import Facts, ServicePort
from media.description import VideoMedia
from media.errors import MediaError

if TYPE_CHECKING:  # loaded only where messages are kept
    from endpoints.door_station.keeping.keeper import Keeper

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a door station is made of; who makes them also closes them."""

    agent: SipAgent
    sound: Sound
    pictures: Pictures
    lock: Relay
    indicator: Indicator | None
    port: ServicePort | None
    attempts: AttemptLog
    album: Album
    judge: UnlockJudge
    whose_code: Callable[[str], str]
    """The name whose door code this is, "" for nobody's; takes its time."""
    background: Executor
    refresh: Callable[[], None]
    """Ask for a newer directory; returns at once."""
    address: str
    """Where pictures are sent from; an unspecified address means the one towards the home."""
    recorder: VisitRecorder
    keeper: "Keeper | None" = None
    """What keeps messages and pictures; None where the site has none."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to open the door that was judged: by which way, and how it is answered."""

    how: str
    verdict: Verdict
    answer: Callable[[Result], None]


class DoorApp:
    """One door station."""

    def __init__(self, parts: Parts, rules: Rules, homes: Mapping[str, Home], loop: Loop) -> None:
        self._parts, self._loop = parts, loop
        self._machine: Machine[Door, DoorEvent, do.DoorAction] = Machine(
            Door(rules, homes), next_step, self._perform, self._tell_phase
        )
        self._session_id = ""
        """One for all stages of a visit (RFC 7989), "" between visits."""
        self._telephone: TelephoneUnlock | None = None
        self._shown: VideoMedia | None = None
        """What a guard who calls is shown."""
        self._asked: _Asked | None = None
        """The unlock request that the next pulse of the lock answers."""
        self._flooded = False
        self._does = self._table()

    @property
    def state(self) -> Door:
        """What the door station knows; from any thread."""
        return self._machine.state

    @property
    def sound(self) -> Sound:
        """Microphone, speaker and tones."""
        return self._parts.sound

    def open(self) -> None:
        """Show the first signal and answer the service port's questions."""
        self._show(do.Show(signal_of(self.state)))
        if self._parts.port is not None:
            self._parts.port.provide("state", self._state_facts)
            self._parts.port.provide("stats", self._figures)
            if self._parts.keeper is not None:
                self._parts.port.provide("messages", self._parts.keeper.figures)

    def handle(self, event: Any) -> None:
        """Take one event of the loop."""
        self._machine.handle(event)

    def close(self) -> None:
        """End the visit, if there is one."""
        if self.state.in_visit or self.state.in_guard_call:
            for call in filter(None, (self.state.call, self.state.onward)):
                self._parts.agent.hang_up(call, "the door station is switched off")
        self._end_visit(do.EndVisit())
        if self._parts.keeper is not None:
            self._parts.keeper.end_message()

    # --- doing ------------------------------------------------------------------------------------------------------

    def _perform(self, action: do.DoorAction) -> DoorEvent | None:
        return self._does[type(action)](action)

    def _table(self) -> dict[type, Callable[[Any], DoorEvent | None]]:
        agent, sound, pictures = self._parts.agent, self._parts.sound, self._parts.pictures
        return {
            **common_table(agent, sound, self._loop, self._publish),
            do.Call: self._call,
            do.Admit: self._admit,
            Answer: lambda action: agent.answer(action.call, self._shown),
            do.RefreshDirectory: lambda action: self._parts.refresh(),
            do.SendVideo: lambda action: pictures.send(action.to_tag, action.video),
            do.StopVideo: lambda action: pictures.stop(action.to_tag),
            do.KeepOnly: lambda action: pictures.keep_only(action.to_tag),
            do.KeyFrame: lambda action: pictures.key_frame(),
            do.StopVoice: lambda action: sound.stop(),
            do.CallOnward: self._call_onward,
            do.AskForPerson: lambda action: sound.announce(PRESS_ONE, pause=PAUSE),
            do.TellCode: self._tell_code,
            do.JudgeDigit: self._judge_digit,
            do.EndVisit: self._end_visit,
            do.CheckCode: self._check_code,
            do.JudgeUnlock: self._judge,
            do.PulseLock: self._pulse,
            do.NoteRefusal: self._note_refusal,
            do.Show: self._show,
            do.KeepPicture: self._keep_picture,
            **self._message_table(),
        }

    def _message_table(self) -> dict[type, Callable[[Any], DoorEvent | None]]:
        keeper = self._parts.keeper
        if keeper is None:
            return {}
        return {
            do.Remember: lambda action: keeper.remember(),
            do.Forget: lambda action: keeper.forget(),
            do.OfferMessage: lambda action: keeper.offer(action.words),
            do.RecordMessage: lambda action: keeper.record(action.flat, action.session_id),
            do.EndMessage: lambda action: keeper.end_message(),
        }

    def _call(self, action: do.Call) -> DoorEvent:
        self._session_id = self._session_id or new_session_id()
        challenge = self._parts.judge.begin(self._session_id, action.flat, action.keys)
        self._telephone = None
        self._parts.pictures.end()
        video = None if action.way.stage == TELEPHONE else self._picture(action.way.uri)
        try:
            call = self._parts.agent.call(action.way.uri, video, self._session_id, {CHALLENGE_HEADER: challenge})
        except SipError as error:
            log.error("%s cannot be called: %s", action.flat, error)
            return CallFailed(str(error), self._session_id)
        if action.way.stage == TELEPHONE:
            self._telephone = TelephoneUnlock(action.flat, self._session_id, masked_number(action.way.uri))
        return CallPlaced(call, self._session_id)

    def _call_onward(self, action: do.CallOnward) -> DoorEvent:
        parts = self._parts
        headers = {CHALLENGE_HEADER: parts.judge.challenge}
        try:
            return OnwardPlaced(parts.agent.call(action.uri, parts.pictures.offer(), self._session_id, headers))
        except SipError as error:
            log.error("the visitor cannot be passed on: %s", error)
            return OnwardPlaced("")

    def _admit(self, action: do.Admit) -> None:
        self._shown = self._picture(f"sip:{action.video.address}") if action.video else None
        if action.ring:
            self._parts.agent.ring(action.call, None)

    def _picture(self, toward: str) -> VideoMedia | None:
        """Our section of a description for somebody at the URI `toward`."""
        try:
            return self._parts.pictures.begin(media_address(self._parts.address, toward))
        except MediaError as error:
            log.error("this call has no picture: %s", error)
            return None

    def _end_visit(self, action: do.EndVisit) -> None:
        self._parts.pictures.end()
        self._parts.sound.stop()
        self._parts.judge.end()
        self._telephone, self._shown, self._session_id = None, None, ""

    def _show(self, action: do.Show) -> None:
        if self._parts.indicator is not None:
            self._parts.indicator.show(action.signal)

    def _keep_picture(self, action: do.KeepPicture) -> None:
        if action.flat and self._parts.keeper is not None:
            self._parts.keeper.keep_picture(Event(action.event), action.flat, action.session_id)
        elif not action.flat:
            self._parts.album.keep(action.event)

    # --- the lock ---------------------------------------------------------------------------------------------------

    def _check_code(self, action: do.CheckCode) -> None:
        check = self._parts.background.submit(self._parts.whose_code, action.code)
        check.add_done_callback(self._code_checked)

    def _code_checked(self, check: Future[str]) -> None:
        if not check.cancelled():
            self._loop.post(CodeChecked(check.result()))

    def _judge(self, action: do.JudgeUnlock) -> DoorEvent | None:
        verdict = self._parts.judge.judge(action.body, action.in_call)
        return self._decided(_Asked("sip", verdict, lambda result: self._answer(action.call, result)))

    def _judge_digit(self, action: do.JudgeDigit) -> DoorEvent | None:
        verdict = self._telephone.digit(action.digit) if self._telephone else None
        return self._decided(_Asked("telephone", verdict, self._answer_telephone)) if verdict else None

    def _decided(self, asked: "_Asked") -> DoorEvent | None:
        result = asked.verdict.result
        if result.granted:
            self._asked, self._flooded = asked, False
            return UnlockGranted(asked.verdict.device, asked.how)
        asked.answer(result)
        flood = result.reason == Reason.TOO_MANY
        if not (flood and self._flooded):  # a flood is written down once, it must not fill the disk
            self._note(asked.how, asked.verdict.device, result, asked.verdict)
        self._flooded = flood
        if result.reason == Reason.WRONG_CODE and self.state.deposits:
            self._keep_picture(do.KeepPicture("wrong-code", self.state.flat, self.state.session_id))
        return None

    def _pulse(self, action: do.PulseLock) -> DoorEvent | None:
        asked, self._asked = self._asked, None
        result = asked.verdict.result if asked else Result(True, "granted")
        lost = None
        try:
            self._parts.lock.pulse(self.state.rules.pulse)
        except HalError as error:
            log.error("the door cannot be opened: %s", error)
            result, lost = Result(False, Reason.LOCK_FAILED, result.challenge), DeviceLost("lock", str(error))
        if asked:
            asked.answer(result)
        self._note(action.how, action.who, result, asked.verdict if asked else None)
        return lost

    def _answer(self, call: CallId, result: Result) -> None:
        self._parts.agent.send_info(call, RESULT_TYPE, result.to_json())

    # --- a telephone ------------------------------------------------------------------------------------------------

    def _tell_code(self, action: do.TellCode) -> None:
        if self._telephone:
            self._parts.sound.announce(self._telephone.words())

    def _answer_telephone(self, result: Result) -> None:
        """What the telephone hears, and only the telephone; a code that was used is replaced by the next one."""
        more = self._telephone.words() if self._telephone else ()
        self._parts.sound.announce((*ANSWERS[result.reason], *more))

    def _note_refusal(self, action: do.NoteRefusal) -> None:
        self._note(action.how, "", Result(False, action.why))

    def _note(self, how: str, who: str, result: Result, verdict: Verdict | None = None) -> None:
        visit = {"flat": verdict.flat, "session_id": verdict.session_id} if verdict else {}
        picture = self._parts.album.keep("unlock" if result.granted else "refused")
        facts = {"granted": result.granted, "how": how, "who": who, "why": result.reason, **visit, "picture": picture}
        self._publish("unlock", facts)
        try:
            self._parts.attempts.write(facts)
        except OSError as error:
            log.error("an attempt to open the door could not be written down: %s; it was %s", error, facts)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell_phase(self, old: str, new: str, why: str) -> None:
        self._publish("state", {"old": old, "new": new, "why": why})

    def _publish(self, event: str, facts: Facts) -> None:
        called = (home.records for home in self.state.homes.values() if home.number == self.state.flat)
        self._parts.recorder.note(event, facts, self._session_id, next(called, ""))
        if self._parts.port is not None:
            self._parts.port.publish(event, facts)

    def _state_facts(self) -> dict[str, object]:
        state = self.state
        facts = asdict(replace(state, homes={}, ways=(), keys={}))
        for name in ("rules", "homes", "ways", "keys"):
            del facts[name]
        facts |= {name: sorted(facts[name]) for name in ("screens", "alarms", "missing")}
        code = state.dialled.startswith("*")
        dialled = "*" * len(state.dialled) if code else state.dialled
        facts["numbers"] = sorted(state.homes)
        return {**facts, "stage": state.stage, "dialled": dialled, "unlocked": self._parts.lock.unlocked}

    def _figures(self) -> dict[str, object]:
        return {
            "now": time.monotonic(),
            "process": process_figures(),
            "video": self._parts.pictures.statistics(),
            "audio": {**self._parts.agent.statistics(self.state.call), **self._parts.sound.levels()},
        }
