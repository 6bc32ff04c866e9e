"""PjsuaAgent: the `SipAgent` on PJSUA2. Commands go to the agent's thread, events come from it."""

import functools
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Literal

from endpoints.errors import SipError
from endpoints.sip import message
from endpoints.sip.agent import AudioStarted, CallId, Notice, SipEvent, SipSettings, VoicePath
from endpoints.sip.pjsua.call import SOCKETS_PER_SOUND, Call, Dialog
from endpoints.sip.pjsua.library import native, pj
from endpoints.sip.pjsua.servers import Servers
from endpoints.sip.pjsua.shells import Source
from endpoints.sip.pjsua.stack import Stack
from endpoints.sip.progress import CallProgress
from endpoints.sip.sockets import SocketBudget
from endpoints.sip.worker import Worker
from media.description import VideoMedia

log = logging.getLogger(__name__)
SHORT_POLL, LONG_POLL = 0.01, 0.25
"""Seconds of one poll: short while something must be looked at; a command ends a long one."""
CLOSE_LIMIT = 3.0
HANG_UP_LIMIT = 2.0
"""Seconds that the other side has to agree to the end of a call before the app is told that it is over."""
STATISTICS_LIMIT = 1.0
SHUT_DOWN_LIMIT = 0.8
"""Seconds for the others to agree to the end of our calls and of our registration when we shut down."""
ADDRESS_WATCH = 2.0
HOLD_WAIT, HOLD_TRIES = 0.1, 50
ROOM_WAIT = 0.05
MOST_UNANSWERED = 16
ANY_ADDRESS = "0.0.0.0"
REQUEST_TERMINATED, BAD_GATEWAY = 487, 502


class PjsuaAgent:
    """One or two accounts on PJSUA2; see `SipAgent` for the commands. There can be one per process at a time."""

    def __init__(self, settings: SipSettings, voice: VoicePath | None, on_event: Callable[[SipEvent], None]) -> None:
        self._settings = settings
        self._voice = voice
        self._on_event = on_event
        self._worker = Worker("sip", (pj.Error,))
        self._servers = Servers(settings, self._worker, lambda: self._stack, self._emit)
        self._calls: dict[CallId, Call] = {}
        self._over: list[Call] = []
        self._unanswered: deque[Dialog] = deque(maxlen=MOST_UNANSWERED)
        """Of calls that are over for us, and perhaps not for the library."""
        self._numbers = itertools.count(1)
        self._sockets = SocketBudget()
        self._stack: Stack | None = None

    # --- commands, from any thread ----------------------------------------------------------------------------------

    def start(self) -> None:
        opened: Future[None] = Future()
        self._worker.start(lambda: self._run(opened))
        opened.result()

    def call(
        self, uri: str, video: VideoMedia | None, session_id: str, headers: Mapping[str, str] | None = None
    ) -> CallId:
        call = self._new_id()
        session_id = session_id or message.new_session_id()
        self._worker.do(lambda: self._invite(call, uri, video, session_id, dict(headers or {})))
        return call

    def ring(self, call: CallId, video: VideoMedia | None) -> None:
        self._with(call, lambda one: one.ring(video))

    def answer(self, call: CallId, video: VideoMedia | None) -> None:
        self._with(call, lambda one: one.accept(video))

    def reject(self, call: CallId, code: int = 603) -> None:
        self._with(call, lambda one: one.refuse(code))

    def hang_up(self, call: CallId, reason: str = "") -> None:
        self._with(call, lambda one: self._hang_up(one, reason))

    def send_info(self, call: CallId, content_type: str, body: str) -> None:
        self._with(call, lambda one: one.send_info(content_type, body))

    def send_dtmf(self, call: CallId, digits: str, method: Literal["rfc4733", "info"] = "rfc4733") -> None:
        self._with(call, lambda one: one.send_digits(digits, method))

    def hold(self, call: CallId, on: bool) -> None:
        self._with(call, lambda one: self._hold(one, on))

    def transfer(self, call: CallId, target: str) -> None:
        self._with(call, lambda one: one.transfer(target))

    def tell_transfer(self, call: CallId, code: int, reason: str = "") -> None:
        self._with(call, lambda one: one.tell_transfer(code, reason))

    def statistics(self, call: CallId) -> dict[str, object]:
        if self._worker.is_here:
            return self._statistics(call)
        answer: Future[dict[str, object]] = Future()
        self._worker.do(lambda: answer.set_result(self._statistics(call)))
        try:
            return answer.result(STATISTICS_LIMIT)
        except TimeoutError:
            return {}

    def close(self) -> None:
        if not self._worker.stop(CLOSE_LIMIT):
            log.error("the SIP library did not end within %s s", CLOSE_LIMIT)

    # --- calls, on the agent's thread -------------------------------------------------------------------------------

    def _with(self, call: CallId, action: Callable[[Call], None]) -> None:
        def run() -> None:
            one = self._calls.get(call)
            if one is not None and not one.progress.ended:
                action(one)

        self._worker.do(run)

    def _new_id(self) -> CallId:
        return f"call-{next(self._numbers)}"

    def _new_call(self, server: int, progress: CallProgress, session_id: str, number: int = -1) -> Call:
        stack = self._open_stack()
        call = Call(stack.account(server), progress, session_id, functools.partial(stack.sound, self._voice), number)
        call.on_end, call.server = self._ended, server
        self._calls[progress.call] = call
        self._sockets.open(call.sockets)
        return call

    def _admit(self) -> bool:
        return self._sockets.try_briefly(SOCKETS_PER_SOUND)

    def _open_stack(self) -> Stack:
        if self._stack is None:
            raise SipError("the SIP agent is not running")
        return self._stack

    def _invite(
        self, call: CallId, uri: str, video: VideoMedia | None, session_id: str, headers: Mapping[str, str]
    ) -> None:
        server = self._servers.for_call(uri)
        secure = self._servers.settings(server).srtp
        progress = CallProgress(call, secure, self._emit, outgoing=True, local=video)
        if not self._sockets.has_room(SOCKETS_PER_SOUND * progress.planned_audio_sections):
            self._worker.later(ROOM_WAIT, lambda: self._invite(call, uri, video, session_id, headers))
            return
        self._make_place()
        try:
            one = self._new_call(server, progress, session_id)
            one.invite(self._target(uri, self._servers.settings(server)), headers)
        except (pj.Error, SipError) as error:
            failed = self._calls.pop(call, None)
            self._sockets.close(failed.sockets if failed else 0)
            reason = getattr(error, "reason", "") or str(error)
            log.warning("cannot call %s: %s", uri, reason)
            progress.finished(BAD_GATEWAY, reason)

    def _make_place(self) -> None:
        """The library has few places for calls, and keeps one for half a minute for a host that said nothing, to
        CANCEL when it wakes up. The oldest of these is given up where a new call would have no place."""
        self._over.clear()  # an ended call that is freed later would take the new one along, which may get its place
        while self._unanswered and not native.has_place():
            native.forget_call(*self._unanswered.popleft())

    def _target(self, uri: str, settings: SipSettings) -> str:
        if not message.is_call_uri(uri):
            raise SipError(f"{uri!r} is not a SIP address")
        if settings.transport == "udp" or ";transport=" in uri.lower():
            return uri
        return f"{uri};transport={settings.transport}"

    def _incoming(self, server: int, number: int, text: str, source: Source) -> None:
        call = self._new_id()
        progress = CallProgress(call, self._servers.settings(server).srtp, self._emit, outgoing=False)
        self._new_call(server, progress, message.new_session_id(), number)
        progress.invited(text, self._servers.sent(source))

    def _noticed(self, sender: str, content_type: str, body: str) -> None:
        self._emit(Notice(message.display_and_uri(sender)[1], content_type.partition(";")[0].strip().lower(), body))

    def _hang_up(self, call: Call, reason: str) -> None:
        call.hang_up(reason)
        if not call.reached:
            # A host that said nothing gets no CANCEL yet (RFC 3261 section 9.1): the library waits, the app does not.
            call.progress.finished(REQUEST_TERMINATED, "no answer from the other side")
        finished = call.progress.finished  # not the call: a timer must not keep it alive
        self._worker.later(HANG_UP_LIMIT, lambda: finished(REQUEST_TERMINATED, "hung up"))

    def _hang_up_by_id(self, call: CallId) -> None:
        self._hang_up(self._calls[call], "shutting down")

    def _hold(self, call: Call, on: bool) -> None:
        call.hold_wanted = on
        self._hold_as_wanted(call.progress.call)

    def _hold_as_wanted(self, call: CallId, tries: int = HOLD_TRIES) -> None:
        """Re-INVITE until both sides have what is wanted; an earlier one, or the other side's, may be under way."""
        one = self._calls.get(call)
        if one is None or one.progress.ended or not tries:
            return
        if not one.offering and one.progress.on_hold is one.hold_wanted:
            return
        if not one.offering:
            self._worker.attempt(functools.partial(one.put_on_hold, one.hold_wanted))
        self._worker.later(HOLD_WAIT, lambda: self._hold_as_wanted(call, tries - 1))

    def _ended(self, call: Call) -> None:
        if call.dialog and not call.reached:
            self._unanswered.append(call.dialog)
        if self._calls.pop(call.progress.call, None):
            self._sockets.close(call.sockets)
        self._over.append(call)
        if not self._calls and self._stack is not None:
            self._stack.rest_sound(self._voice)
        self._servers.settle()

    def _statistics(self, call: CallId) -> dict[str, object]:
        one = self._calls.get(call)
        try:
            return one.statistics() if one is not None else {}
        except pj.Error:
            return {}

    # --- registration, on the agent's thread ------------------------------------------------------------------------

    def _goes_over(self, server: int) -> bool:
        return any(call.server == server for call in self._calls.values())

    def _watch_address(self) -> None:
        """Follow the machine when it moves to another network; asks the routing table, sends nothing."""
        if self._servers.moved() and self._stack is not None:
            self._stack.move()
            self._servers.again()
        self._worker.later(ADDRESS_WATCH, self._watch_address)

    # --- the agent's thread -----------------------------------------------------------------------------------------

    def _run(self, opened: "Future[None]") -> None:
        try:
            self._stack = Stack(
                self._settings,
                self._servers.answered,
                self._incoming,
                self._servers.disconnected,
                self._noticed,
                self._admit,
            )
        except SipError as error:
            opened.set_exception(error)
            return
        self._worker.wake = self._stack.wakeup.poke
        opened.set_result(None)
        self._servers.start(self._goes_over)
        if self._settings.address == ANY_ADDRESS:
            self._watch_address()
        while not self._worker.stopping:
            self._turn()
        self._shut_down(self._stack)
        self._stack = None

    def _turn(self) -> None:
        self._worker.turn(self._poll)
        for call in [one.progress.call for one in self._calls.values() if one.starts_to_hear()]:
            self._emit(AudioStarted(call))
        # A call that ended inside a callback is freed here, outside of it.
        self._over.clear()

    def _poll(self, patience: float) -> None:
        if self._stack is None:
            return
        hears = any(call.waits_for_sound for call in self._calls.values())
        attentive = hears or self._worker.stopping or not self._stack.wakes
        limit = SHORT_POLL if attentive else LONG_POLL
        self._stack.poll(round(1000 * min(limit, patience)))

    def _emit(self, event: SipEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("the receiver of SIP events failed at %s", type(event).__name__)

    def _shut_down(self, stack: Stack) -> None:
        """Hang up, unregister, wait a moment for the others' agreement, free everything in the fixed order."""
        self._turn()  # what was commanded before the end still gets its events
        for call in list(self._calls):
            self._worker.attempt(functools.partial(self._hang_up_by_id, call))
        self._servers.end()
        limit = time.monotonic() + SHUT_DOWN_LIMIT
        while (self._calls or self._servers.registered) and time.monotonic() < limit:
            self._turn()
        for progress in [call.progress for call in self._calls.values()]:
            progress.finished(0, "shut down")
        self._calls.clear()
        self._over.clear()
        stack.close()
