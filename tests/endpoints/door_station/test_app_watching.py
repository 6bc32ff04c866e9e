"""A door station with fake devices: it is watched, and a visitor comes; without [watching] nothing of it is there."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.sync.client import ClientConnection, connect

from endpoints.config.people import Directory
from endpoints.door_station.app import DoorApp
from endpoints.door_station.main import compose
from tests.endpoints.app_bench import Bench, bench, site_file

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
SITE = """
people = "people.toml"
[device]
name = "door1"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
[video]
width = 320
height = 240
[watching]
port = 0
"""
PEOPLE = f"""
[flats.301]
name = "Family Chen"
homelink = "sip:home@127.0.0.1:5061"
[watchers]
"homelink:home301" = "{PUBLIC}"
"""


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    (tmp_path / "people.toml").write_text(PEOPLE)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        made.wait(lambda: bool(made.told("watching-open")), "the port")
        yield made


def watch(door: Bench[DoorApp]) -> ClientConnection:
    claims = {"iss": "homelink:home301", "sub": "indoor1", "aud": "door1", "exp": time.time() + 60, "jti": "l1"}
    headers = {"Authorization": f"Bearer {jwt.encode(claims, KEY, 'EdDSA')}"}
    port = door.told("watching-open")[0]["port"]
    return connect(f"ws://127.0.0.1:{port}/live", additional_headers=headers, compression=None)


def sinks(door: Bench[DoorApp]) -> int:
    figures: Any = door.port.ask("stats")
    count: int = figures["video"]["encoder"]["sinks"]
    return count


@pytest.mark.flow("M1")
def test_a_home_named_in_the_people_file_watches_and_goes_on_watching_when_a_visitor_rings(
    door: Bench[DoorApp],
) -> None:
    with watch(door) as watcher:
        messages = iter(watcher)
        assert isinstance(next(message for message in messages if isinstance(message, bytes)), bytes)
        door.wait(lambda: door.port.ask("watching")["viewers"] == 1, "a watcher")
        door.devices["keypad"].type("301#")
        door.settle()
        call = door.agent.sent("call")[-1].call
        door.agent.ringing(call)
        door.settle()
        assert door.app.state.phase == "ringing"
        assert sum(isinstance(next(messages), bytes) for _ in range(5)) >= 4
        door.agent.end(call, 603)
        door.settle()
        assert sum(isinstance(next(messages), bytes) for _ in range(5)) >= 4
    door.wait(lambda: sinks(door) == 0, "the encoder at rest")
    assert [facts["viewers"] for facts in door.told("watched")] == [0]


def test_a_door_that_nobody_may_watch_loads_nothing_for_it() -> None:
    program = (
        "import sys; import endpoints.door_station.main; "
        "print([name for name in ('jwt', 'h11', 'websockets', 'asyncio', 'endpoints.door_station.watching')"
        " if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.strip() == "[]"


def test_a_directory_names_those_whose_tokens_are_good() -> None:
    told = Directory.model_validate({"version": 3, "watchers": {"management:lakeside": PUBLIC}, "later": 1})
    assert told.watchers == {"management:lakeside": PUBLIC}
