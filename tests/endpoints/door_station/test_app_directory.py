"""A door station that asks the management server whom to call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints.door_station.app import DoorApp
from endpoints.door_station.main import compose
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.test_directory import Server, document, server

__all__ = ["server"]
SITE = """
[device]
name = "door1"
call_guard = "9"
[directory]
url = "{url}"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
"""


@pytest.fixture
def door(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    server.say(document(1), '"1"')
    with bench("door-station", compose, site_file(tmp_path, SITE.format(url=server.url)), monkeypatch) as made:
        yield made


def test_a_flat_that_is_added_is_called_at_the_next_visit(door: Bench[DoorApp], server: Server) -> None:
    door.wait(lambda: set(door.app.state.homes) == {"301", "9"}, "the first directory")
    changed = document(2)
    changed["flats"]["7"] = {"name": "New", "stages": [{"name": "home", "uris": ["sip:home@10.0.0.8"]}]}
    server.say(changed, '"2"')
    door.devices["keypad"].type("7")
    door.wait(lambda: "7" in door.app.state.homes, "the directory that was asked for when somebody began to dial")
    door.devices["keypad"].type("#")
    door.settle()
    assert door.agent.sent("call")[-1].arguments["uri"] == "sip:home@10.0.0.8"


def test_with_the_server_down_the_last_directory_counts_also_after_a_restart(
    door: Bench[DoorApp], server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.wait(lambda: "301" in door.app.state.homes, "the first directory")
    server.say(b"out of order", '"3"')
    with bench("door-station", compose, tmp_path / "site.toml", monkeypatch) as again:
        again.devices["keypad"].type("301#")
        again.settle()
        assert again.agent.sent("call")[-1].arguments["uri"] == "sip:home@10.0.0.7:5061;transport=tls"
