"""A SIP agent without SIP, for plain tests of the apps: remembers the commands, and tests inject the events."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from endpoints.sip.agent import (
    Answered,
    CallId,
    Dtmf,
    EarlyMedia,
    Ended,
    IncomingCall,
    Queued,
    Registered,
    Ringing,
    SipEvent,
    SipSettings,
    Trying,
    VoicePath,
)
from media.description import VideoMedia


@dataclass(frozen=True, slots=True)
class Command:
    """One command that the agent was given: its name, the call it was for and the other arguments by name."""

    name: str
    call: CallId = ""
    arguments: Mapping[str, object] = field(default_factory=dict)


class FakeAgent:
    """Implements `SipAgent`; checks that commands name a call that exists and come between `start` and `close`.

    A call ends when a test injects `Ended` (or uses `end`); `hang_up` and `reject` end it at once when
    `ends_calls` is true, as a peer that agrees would.
    """

    def __init__(
        self,
        settings: SipSettings | None = None,
        voice: VoicePath | None = None,
        on_event: Callable[[SipEvent], None] = lambda event: None,
        ends_calls: bool = True,
    ) -> None:
        self.settings = settings
        self.voice = voice
        self.on_event = on_event
        self.ends_calls = ends_calls
        self.commands: list[Command] = []
        self.started = False
        self.closed = False
        self.live: set[CallId] = set()
        self._known: set[CallId] = set()
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()

    # --- the SipAgent protocol --------------------------------------------------------------------------------------

    def start(self) -> None:
        _insist(not self.started, "an agent is started once")
        self.started = True
        self._note(Command("start"))

    def call(
        self, uri: str, video: VideoMedia | None, session_id: str, headers: Mapping[str, str] | None = None
    ) -> CallId:
        self._check_open()
        call = self._new_call()
        facts = {"uri": uri, "video": video, "session_id": session_id, "headers": dict(headers or {})}
        self._note(Command("call", call, facts))
        return call

    def ring(self, call: CallId, video: VideoMedia | None) -> None:
        self._command("ring", call, video=video)

    def answer(self, call: CallId, video: VideoMedia | None) -> None:
        self._command("answer", call, video=video)

    def reject(self, call: CallId, code: int = 603) -> None:
        _insist(300 <= code <= 699, f"{code} is not a final refusal")
        self._command("reject", call, code=code)
        self._end_if_agreed(call, code, "rejected")

    def hang_up(self, call: CallId, reason: str = "") -> None:
        self._command("hang_up", call, reason=reason)
        self._end_if_agreed(call, 200, reason)

    def send_info(self, call: CallId, content_type: str, body: str) -> None:
        self._command("send_info", call, content_type=content_type, body=body)

    def send_dtmf(self, call: CallId, digits: str, method: Literal["rfc4733", "info"] = "rfc4733") -> None:
        _insist(set(digits) <= set("0123456789*#ABCD"), f"{digits!r} are not DTMF digits")
        self._command("send_dtmf", call, digits=digits, method=method)

    def hold(self, call: CallId, on: bool) -> None:
        self._command("hold", call, on=on)

    def transfer(self, call: CallId, target: str) -> None:
        self._command("transfer", call, target=target)

    def tell_transfer(self, call: CallId, code: int, reason: str = "") -> None:
        _insist(200 <= code <= 699, f"{code} is not a final answer")
        self._command("tell_transfer", call, code=code, reason=reason)

    def statistics(self, call: CallId) -> dict[str, object]:
        return {"codec": "G722"} if call in self.live else {}

    def close(self) -> None:
        self.closed = True
        self._note(Command("close"))

    # --- handles for tests ------------------------------------------------------------------------------------------

    def emit(self, event: SipEvent) -> None:
        """Give `event` to the app, as the agent's thread would."""
        if isinstance(event, Ended):
            self.live.discard(event.call)
        self.on_event(event)

    def register(self, server: str = "", domain: str = "") -> None:
        """The registrar accepts us."""
        self.emit(Registered(server, domain))

    def incoming(
        self,
        caller: str = "sip:gate1@127.0.0.1",
        caller_name: str = "Gate 1",
        session_id: str = "0" * 32,
        video: VideoMedia | None = None,
        headers: Mapping[str, str] | None = None,
        emergency: bool = False,
        kind: str = "",
    ) -> CallId:
        """An INVITE arrives; gives the new call's handle."""
        call = self._new_call()
        self.emit(IncomingCall(call, caller, caller_name, session_id, video, dict(headers or {}), emergency, kind))
        return call

    def trying(self, call: CallId) -> None:
        """The next hop has the INVITE."""
        self.emit(Trying(call))

    def queued(self, call: CallId, position: int) -> None:
        """The server keeps the call until somebody is free."""
        self.emit(Queued(call, position))

    def digits(self, call: CallId, digits: str, method: Literal["rfc4733", "info"] = "rfc4733") -> None:
        """The other side presses keys, one after the other."""
        for digit in digits:
            self.emit(Dtmf(call, digit, method))

    def ringing(self, call: CallId, to_tag: str = "screen", code: int = 180) -> None:
        """A branch rings, without SDP."""
        self.emit(Ringing(call, code, to_tag))

    def early_media(
        self,
        call: CallId,
        to_tag: str = "screen",
        video: VideoMedia | None = None,
        remote: str = "sip:indoor1@127.0.0.1",
    ) -> None:
        """A branch rings with 183 and SDP."""
        self.emit(Ringing(call, 183, to_tag))
        self.emit(EarlyMedia(call, to_tag, video, remote))

    def answered(self, call: CallId, to_tag: str = "screen", video: VideoMedia | None = None, by: str = "") -> None:
        """The call is established."""
        self.emit(Answered(call, to_tag, video, by))

    def end(self, call: CallId, code: int = 200, reason: str = "", elsewhere: bool = False) -> None:
        """The other side ends the call."""
        self.emit(Ended(call, code, reason, elsewhere))

    def sent(self, name: str) -> list[Command]:
        """All commands called `name`, oldest first."""
        with self._changed:
            return [command for command in self.commands if command.name == name]

    def wait_for(self, name: str, count: int = 1, limit: float = 10.0) -> Command:
        """Wait until `name` was commanded `count` times; gives the last of them. Raises AssertionError at the limit."""
        with self._changed:
            seen = self._changed.wait_for(lambda: self._count(name) >= count, limit)
        _insist(seen, f"no {name} x{count} within {limit} s; commanded: {[command.name for command in self.commands]}")
        return self.sent(name)[count - 1]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _new_call(self) -> CallId:
        call = f"call-{next(self._numbers)}"
        self.live.add(call)
        self._known.add(call)
        return call

    def _check_open(self) -> None:
        _insist(self.started and not self.closed, "commands come between start and close")

    def _command(self, name: str, call: CallId, **arguments: object) -> None:
        self._check_open()
        _insist(call in self._known, f"{name} for a call that never was: {call!r}")
        self._note(Command(name, call, arguments))

    def _end_if_agreed(self, call: CallId, code: int, reason: str) -> None:
        if self.ends_calls and call in self.live:
            self.end(call, code, reason)

    def _note(self, command: Command) -> None:
        with self._changed:
            self.commands.append(command)
            self._changed.notify_all()

    def _count(self, name: str) -> int:
        return sum(command.name == name for command in self.commands)


def _insist(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)
