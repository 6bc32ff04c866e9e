"""A PjsuaAgent in a process of its own, driven by JSON lines: PJSUA allows one instance per process.

Standard input: {"do": "ring", "call": "call-1", "video": {...}, ...}; standard output: {"event": "Ringing", ...}.
"""

import base64
import dataclasses
import json
import logging
import math
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from endpoints.errors import SipError
from endpoints.sip import route
from endpoints.sip.agent import Login, SipEvent, SipSettings, TlsFiles
from endpoints.sip.pjsua import PjsuaAgent
from endpoints.sip.pjsua.library import native
from media.description import SrtpKey, VideoMedia

_lock = threading.Lock()


class ToneVoice:
    """Speaks a tone and remembers how loud the other side was."""

    def __init__(self) -> None:
        wave = [round(8000 * math.sin(2 * math.pi * 400 * n / 16000)) for n in range(320)]
        self.frame = struct.pack("<320h", *wave)
        self.captured = 0
        self.played = 0
        self.loudest = 0

    def capture(self) -> bytes:
        self.captured += 1
        return self.frame

    def play(self, frame: bytes) -> None:
        self.played += 1
        if len(frame) == 640:
            self.loudest = max(self.loudest, *struct.unpack("<320h", frame))


class Connections:
    """Those that calls keep open, as the agent tells the library."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self._keep, self._leave = native.keep_connection, native.leave_connection
        vars(native).update(keep_connection=self.keep, leave_connection=self.leave)

    def keep(self, received: int) -> int:
        self.kept.append(self._keep(received))
        return self.kept[-1]

    def leave(self, connection: int) -> None:
        if connection:
            self.kept.remove(connection)
        self._leave(connection)


connections = Connections()


def say(event: str, **facts: Any) -> None:
    line = json.dumps({"event": event, **facts}, default=_encode)
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _encode(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def on_event(event: SipEvent) -> None:
    say(type(event).__name__, **dataclasses.asdict(event))


def video_of(facts: dict[str, Any] | None) -> VideoMedia | None:
    if facts is None:
        return None
    key = facts.pop("key", None)
    feedback = frozenset(facts.pop("feedback", VideoMedia("", 0, 0).feedback))
    material = SrtpKey(base64.b64decode(key["material"]), key["tag"]) if key else None
    return VideoMedia(**facts, key=material, feedback=feedback)


def settings_of(facts: dict[str, Any]) -> SipSettings:
    tls = facts.pop("tls", None)
    files = TlsFiles(*(Path(tls[name]) for name in ("authority", "certificate", "key"))) if tls else None
    facts["logins"] = tuple(Login(**login) for login in facts.pop("logins", ()))
    away = facts.pop("away", None)
    return SipSettings(**facts, tls=files, away=settings_of(away) if away else None)


def perform(agent: PjsuaAgent, voice: ToneVoice, order: dict[str, Any]) -> None:
    name = order.pop("do")
    if "video" in order:
        order["video"] = video_of(order["video"])
    if name == "pretend_address":
        route.local_address = lambda uri: str(order["address"])
        return
    if name == "connections":
        say("Result", of=name, value=sum(map(bool, connections.kept)))
        return
    if name == "voice":
        say("Voice", captured=voice.captured, played=voice.played, loudest=voice.loudest)
        return
    result = getattr(agent, name)(**order)
    if result is not None:
        say("Result", of=name, value=result)


def main() -> int:
    facts = json.loads(sys.argv[1])
    logging.basicConfig(level=facts.pop("log", "INFO"), stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    voice = ToneVoice()
    agent = PjsuaAgent(settings_of(facts), voice, on_event)
    signal.signal(signal.SIGTERM, _end)
    try:
        agent.start()
        say("Started")
        for line in sys.stdin:
            perform(agent, voice, json.loads(line))
    except SipError as error:
        say("Failed", reason=str(error))
        return 2
    finally:
        agent.close()
    return 0


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
