"""A person's hands and eyes on a running simulator, for demo, bench and tests: its control interface as functions."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hal.errors import IntercomError
from sim.processes import command

Facts = dict[str, Any]


class NotSeen(IntercomError, TimeoutError):
    """What was waited for did not happen; the text lists what happened instead."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a device; `ms` of the machine's monotonic clock."""

    id: int
    ms: float
    event: str
    facts: Facts = field(default_factory=dict)


class DeviceClient:
    """One device: press, look, and wait for what it tells."""

    def __init__(self, name: str, role: str, http: httpx.Client) -> None:
        self.name, self.role, self._http = name, role, http
        self.seen = 0
        """Events up to this id are behind us: `wait_for` looks at later ones."""

    def close(self) -> None:
        """Hang up; the device goes on."""
        self._http.close()

    def type(self, keys: str) -> None:
        """Press keys of the keypad."""
        self._post("keypad", {"keys": keys})

    def press(self, button: str) -> None:
        """Press a button."""
        self._post(f"buttons/{button}")

    def fault(self, fault: str) -> None:
        """Break something, or mend it."""
        self._post("faults", {"fault": fault})

    def push_door(self, is_open: bool) -> None:
        """Push the door open, or let it fall shut."""
        self._post("door", {"open": is_open})

    def state(self) -> Facts:
        """What the device says of itself and what can be seen of it."""
        facts: Facts = self._get("state").json()
        return facts

    def stats(self) -> Facts:
        """The device's own figures."""
        facts: Facts = self._get("stats").json()
        return facts

    def screen(self) -> bytes:
        """PNG of what its display shows."""
        return self._get("screen.png").content

    def picture(self) -> httpx.Response:
        """JPEG of the live picture; the header X-Taken-Ms tells its time. Raises httpx.HTTPStatusError without one."""
        return self._get("picture.jpg")

    def sound(self, which: str, seconds: float) -> httpx.Response:
        """WAV of what was "heard" or "said" in the last seconds; the header X-Begin-Ms tells when it began."""
        return self._get(f"{which}.wav", seconds=seconds)

    def hear(self, seconds: float) -> bytes:
        """WAV of what its loudspeaker sounded in the last seconds."""
        return self.sound("heard", seconds).content

    def events(self, after: int = 0, wait: float = 0) -> list[Happened]:
        """Events after that id; waits up to `wait` seconds for the first."""
        answer = self._get("events", after=after, wait=wait).json()
        return [Happened(**event) for event in answer["events"]]

    def forget(self) -> None:
        """Everything up to now is behind us."""
        self.seen = self._get("events", after=self.seen).json()["last"]

    def wait_for(self, event: str, limit: float = 15, **facts: object) -> Happened:
        """The first event of that name and with these facts since the last one found. Raises NotSeen."""
        others = []
        for happened in self._follow(limit):
            self.seen = happened.id
            if happened.event == event and all(happened.facts.get(key) == value for key, value in facts.items()):
                return happened
            others.append(f"{happened.event} {happened.facts}")
        wanted = f"{event} {facts or ''}".strip()
        raise NotSeen(f"{self.name}: no {wanted} within {limit:g} s, but: {'; '.join(others) or 'nothing'}")

    def wait_for_all(self, *events: str, limit: float = 15) -> list[Happened]:
        """The first event of each name, in whatever order they came: a picture may be faster than its ringing."""
        start = self.seen
        found = []
        for event in events:
            self.seen = start
            found.append(self.wait_for(event, limit))
        self.seen = max(happened.id for happened in found)
        return found

    def _follow(self, limit: float) -> Iterator[Happened]:
        end, after = time.monotonic() + limit, self.seen
        while (left := end - time.monotonic()) > 0:
            for happened in self.events(after, min(left, 20)):
                after = happened.id
                yield happened

    def _get(self, path: str, **query: float) -> httpx.Response:
        return self._http.get(path, params=query).raise_for_status()

    def _post(self, path: str, body: Facts | None = None) -> None:
        self._http.post(path, json=body).raise_for_status()


@dataclass(slots=True)
class Community:
    """A running simulator, as its ready file describes it."""

    facts: Facts
    devices: dict[str, DeviceClient]
    _http: httpx.Client

    @classmethod
    def of(cls, ready_file: Path) -> "Community":
        """Everything that the ready file names."""
        return cls.told(json.loads(ready_file.read_text()))

    @classmethod
    def told(cls, facts: Facts) -> "Community":
        """Everything in the facts of a ready file."""
        headers = {"Authorization": f"Bearer {facts['token']}"}
        devices = {
            each["name"]: DeviceClient(
                each["name"],
                each["role"],
                httpx.Client(base_url=each["control"].rstrip("/") + "/", headers=headers, timeout=30),
            )
            for each in facts["devices"]
        }
        any_device = next(iter(facts["devices"]))["control"]
        return cls(facts, devices, httpx.Client(base_url=httpx.URL(any_device).join("/"), headers=headers, timeout=30))

    def __getitem__(self, name: str) -> DeviceClient:
        return self.devices[name]

    @property
    def screens(self) -> list[DeviceClient]:
        """All devices that ring when a visitor calls."""
        return [device for device in self.devices.values() if device.role in ("indoor-unit", "phone")]

    def guest_account(self, early: bool) -> str:
        """A line for baresip's accounts file: the guest's account at HomeLink, with early media or without."""
        server, guest = self.facts["servers"][0], self.facts["guests"][0]
        where = f"{server['host']}:{server['port']};transport={server['transport']}"
        answer = ";answermode=early" if early else ""
        return (
            f"<sip:{guest['user']}@{server['realm']};transport={server['transport']}>;auth_pass={guest['password']}"
            f';outbound="sip:{where}";regint=60;video_codecs=h264{answer}'
        )

    def fault(self, fault: str) -> None:
        """Break something that belongs to nobody's device, or mend it: "homelink-down", "homelink-up"."""
        self._http.post("community/faults", json={"fault": fault}).raise_for_status()

    def line(self, one: str, other: str, cut: bool = False, loss: float = 0, delay: float = 0) -> None:
        """Cut the line between two parties, make it bad (share lost, seconds late), or mend it."""
        body = {"between": [one, other], "cut": cut, "loss": loss, "delay": delay}
        self._http.post("community/lines", json=body).raise_for_status()

    def records(self, server: str) -> list[Facts]:
        """The call records that this server keeps, newest first."""
        answer = self._http.get(f"community/servers/{server}/records").raise_for_status()
        found: list[Facts] = answer.json()["records"]
        return found

    def messages(self, flat: str) -> list[Facts]:
        """What visitors left for a home, newest first."""
        answer = self._http.get(f"homes/{flat}/messages").raise_for_status()
        found: list[Facts] = answer.json()["messages"]
        return found

    def message(self, flat: str, identifier: str) -> bytes:
        """The film or the picture."""
        return self._http.get(f"homes/{flat}/messages/{identifier}/content").raise_for_status().content

    def visits(self) -> list[Facts]:
        """The calls that the servers saw, newest last."""
        found: list[Facts] = self._http.get("visits").raise_for_status().json()["visits"]
        return found

    def ladder(self, session: str = "", until: str = "", limit: float = 15) -> str:
        """The SIP messages of a visit as text, of the newest without `session`; waits for `until`. Raises NotSeen."""
        end = time.monotonic() + limit
        while True:
            listed = self.visits()
            chosen = session or (listed[-1]["session"] if listed else "")
            text = self._http.get(f"visits/{chosen}/messages.txt").raise_for_status().text if chosen else ""
            if until in text and text:
                return text
            if time.monotonic() > end:
                raise NotSeen(f"no {until or 'visit'} among the messages of {chosen or 'any visit'}: {text}")
            time.sleep(0.05)

    def close(self) -> None:
        """Let go of all devices."""
        self._http.close()
        for device in self.devices.values():
            device.close()


@contextmanager
def simulator(folder: Path, *options: str, limit: float = 180) -> Iterator[Community]:
    """A simulator in a process of its own, ended with the block; its log lies in `folder`. Raises NotSeen.

    It is the small community unless an option says otherwise.
    """
    options = options if "--community" in options else ("--community", "small", *options)
    ready, log = folder / "ready.json", folder / "sim.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("sim", "--headless", "--ready-file", ready, *options), stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, ready, log, limit)
        community = Community.of(ready)
        try:
            yield community
        finally:
            community.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path, limit: float) -> None:
    end = time.monotonic() + limit
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            words = log.read_text("utf-8", "replace").strip().splitlines()[-5:]
            raise NotSeen(f"the simulator did not become ready: {' | '.join(words) or 'it said nothing'}")
        time.sleep(0.02)
