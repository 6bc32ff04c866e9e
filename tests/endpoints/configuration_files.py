"""Small but complete configuration files for the tests, and a way to read problems without the folder's name."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from endpoints.errors import ConfigError

KEY = base64.b64encode(bytes(range(32))).decode()

BOARD = """
[board]
name = "bench"
kind = "door-station"

[devices.camera]
backend = "mock"
[devices.microphone]
backend = "mock"
[devices.speaker]
backend = "mock"
[devices.lock]
backend = "mock"
[devices.keypad]
backend = "mock"
"""

SITE = """
people = "people.toml"

[device]
name = "door1"
place = "Gate 1"

[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
srtp = false
"""

PEOPLE = f"""
[flats.301]
name = "Family Chen"
homelink = "sip:home@127.0.0.1:5061;transport=tls"

[flats.301.devices]
indoor1 = "{KEY}"
"""


def write(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    """A file of that text; site files need mode 0600."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(load: Callable[[Path], object], path: Path) -> list[str]:
    """What is wrong with the file, without its folder."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()
