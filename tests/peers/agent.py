"""Our own SIP agent as a peer: a process of its own, because there is one PJSUA per process."""

import base64
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from endpoints.sip.agent import TlsFiles
from sim.peers.process import LIMIT

Event = dict[str, Any]
ROOT = Path(__file__).parents[2]


def video(port: int, direction: str = "sendonly", key: bytes = b"", address: str = "127.0.0.1") -> dict[str, Any]:
    """A VideoMedia as the agent's process takes it."""
    material = {"material": base64.b64encode(key * 30).decode(), "tag": 1} if key else None
    return {"address": address, "port": port, "rtcp_port": port + 1, "direction": direction, "key": material}


class AgentPeer:
    """One `PjsuaAgent`; commands as methods, events as dictionaries."""

    def __init__(self, folder: Path, port: int, user: str = "agent", tls: TlsFiles | None = None, **more: Any) -> None:
        self.port = port
        self.user = user
        self.transport = more.get("transport", "udp")
        settings: dict[str, Any] = {"user": user, "domain": "127.0.0.1", "address": "127.0.0.1", "port": port}
        settings |= {"transport": "udp", "srtp": False} | more
        if tls:
            settings["tls"] = {
                "authority": str(tls.authority),
                "certificate": str(tls.certificate),
                "key": str(tls.key),
            }
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self.log = folder / f"{user}-{port}.log"
        self.process = self._run(settings)
        threading.Thread(target=self._read, daemon=True).start()

    def _run(self, settings: dict[str, Any]) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.endpoints.sip.agent_process", json.dumps(settings)]
        with self.log.open("w") as log:
            pipe = subprocess.PIPE
            return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, cwd=ROOT, text=True, bufsize=1)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:{self.user}@127.0.0.1:{self.port}"

    def do(self, name: str, **order: Any) -> None:
        """Give a command, without waiting."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": name, **order}) + "\n")
        self.process.stdin.flush()

    def ask(self, name: str, **order: Any) -> Any:
        """Give a command that has a result, and wait for it."""
        seen = len(self.events)
        self.do(name, **order)
        return self.wait("Result", start=seen, of=name)["value"]

    def call(self, uri: str, **order: Any) -> str:
        """Call `uri`; gives the call's handle."""
        call: str = self.ask("call", uri=uri, **({"video": None, "session_id": ""} | order))
        return call

    def find(self, event: str, **facts: Any) -> list[Event]:
        """All events of this name with these facts so far."""
        return [one for one in list(self.events) if _fits(one, event, facts)]

    def wait(self, event: str, limit: float = LIMIT, start: int = 0, count: int = 1, **facts: Any) -> Event:
        """The `count`th such event from number `start` on. AssertionError at the limit."""

        def found() -> list[Event]:
            return [one for one in self.events[start:] if _fits(one, event, facts)]

        deadline = time.monotonic() + limit
        with self._changed:
            while len(found()) < count:
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._changed.wait(0.2)):
                    raise AssertionError(
                        f"{self.user} had no {event} {facts}; it had {self.events}; log:\n{self._tail()}"
                    )
                self._changed.wait(min(left, 0.5))
            return found()[count - 1]

    def wait_until(self, holds: Callable[[], bool], limit: float = LIMIT) -> None:
        """Wait until `holds()`, looked at ten times a second."""
        deadline = time.monotonic() + limit
        while not holds():
            assert time.monotonic() < deadline, f"never so; {self.user} had {self.events}; log:\n{self._tail()}"
            threading.Event().wait(0.1)

    def _tail(self) -> str:
        return self.log.read_text()[-3000:]

    def stop(self, limit: float = 10.0) -> int:
        """SIGTERM; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit)

    def close(self) -> None:
        """End of input ends it; by force if that does not."""
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(6)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(3)


def _fits(one: Event, event: str, facts: dict[str, Any]) -> bool:
    return one["event"] == event and all(one.get(key) == value for key, value in facts.items())
