"""Every file in board-configs/ is a test case: it can be used, is commented, and its pins fit a Raspberry Pi."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device as GpioDevice
from gpiozero.pins.mock import MockFactory

from endpoints.config import KINDS, load_board, load_people, load_site
from endpoints.config.backends import device_problems
from endpoints.config.keys import new_pair
from endpoints.config.pins import pin_problems, pins

FOLDER = Path(__file__).parent.parent / "board-configs"
BOARDS = sorted(FOLDER.glob("*.toml"))
SAMPLES = sorted((FOLDER / "samples").glob("*.toml"))
RESERVED = {0, 1, 2, 3, 14, 15}
"""EEPROM, I2C and serial console: a board file of ours leaves them alone."""
I2S = {18, 19, 20, 21}
"""Sound on the header; an indoor unit has many buttons, and its sound on USB."""

every_board = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


@pytest.fixture
def mock_pins() -> Iterator[None]:
    before = GpioDevice.pin_factory
    GpioDevice.pin_factory = MockFactory()
    yield
    GpioDevice.pin_factory.close()
    GpioDevice.pin_factory = before


def test_the_boards_that_were_promised_are_there() -> None:
    assert {path.stem for path in BOARDS} >= {
        "rpi4-door-station",
        "rpi5-door-station",
        "rpi4-indoor-unit",
        "rpi-zero2w-door-station",
        "desktop-door-station",
        "simulator-door-station",
        "simulator-indoor-unit",
        "simulator-phone",
        "simulator-management-console",
        "desktop-management-client",
        "mock-door-station",
        "mock-indoor-unit",
        "mock-management-console",
    }


@every_board
def test_a_board_is_named_as_its_file(path: Path) -> None:
    assert load_board(path).name == path.stem


@every_board
def test_every_backend_exists_and_takes_its_options(path: Path) -> None:
    assert list(device_problems(load_board(path))) == []


@pytest.mark.parametrize("path", BOARDS + SAMPLES, ids=lambda path: path.stem)
def test_every_key_has_a_comment(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    keys = [line for line in lines if re.match(r"\w+ = ", line)]
    assert [line for line in keys if not re.search(r"\S\s+# \S", line)] == []
    assert [line for line in lines if len(line) > 120] == []


@every_board
def test_pins_are_on_the_header_free_and_used_once(path: Path) -> None:
    board = load_board(path)
    used = [pin for device in board.devices.values() for _, pin in pins(device)]
    assert bool(used) == path.stem.startswith("rpi")
    assert not set(used) & (RESERVED if board.kind == "indoor-unit" else RESERVED | I2S)
    assert list(pin_problems(board)) == []


@every_board
@pytest.mark.usefixtures("mock_pins")
def test_devices_on_pins_and_mocks_open_as_the_file_says(path: Path) -> None:
    board = load_board(path)
    here = [name for name, device in board.devices.items() if device.backend in ("gpio", "mock")]
    opened = [board.open(name) for name in here]
    for device in opened:
        assert device is not None
        device.close()


def test_every_device_of_a_door_station_is_shown_in_a_sample() -> None:
    assert set(load_board(FOLDER / "rpi4-door-station.toml").devices) == set(KINDS["door-station"])
    assert set(load_board(FOLDER / "rpi4-indoor-unit.toml").devices) == set(KINDS["indoor-unit"])
    assert set(load_board(FOLDER / "mock-management-console.toml").devices) == set(KINDS["management-console"])


@pytest.mark.parametrize("name", ["door-station", "resident", "console"])
def test_a_sample_site_can_be_used_once_it_is_filled_in(name: str, tmp_path: Path) -> None:
    text = (FOLDER / "samples" / f"{name}.site.toml").read_text("utf-8")
    site = tmp_path / "site.toml"
    site.write_text(text.replace("BASE64-OF-32-BYTES", new_pair()[0]), "utf-8")
    site.chmod(0o600)
    for file in re.findall(r'"(\w+\.(?:pem|key))"', text):
        (tmp_path / file).touch()
    loaded = load_site(site)
    assert loaded.sip_settings().tls is not None
    if loaded.people:
        shutil.copy(FOLDER / "samples" / "people.toml", loaded.people)
        assert loaded.device.call_flat in load_people(loaded.people).flats


def test_a_sample_site_is_not_secret_by_itself() -> None:
    for path in SAMPLES:
        assert os.access(path, os.R_OK)
        assert not re.search(r'key = "[A-Za-z0-9+/]{43}="', path.read_text("utf-8"))
