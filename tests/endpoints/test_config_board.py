"""The board file: what it gives to the apps, and how its mistakes are told."""

from pathlib import Path

import pytest

from endpoints.config import load_board
from hal.errors import BackendNotFound
from tests.endpoints.configuration_files import BOARD, problems, write


def test_a_board_names_its_devices_and_their_options(tmp_path: Path) -> None:
    text = (
        BOARD + '\n[devices.indicator]\nbackend = "gpio"\nactive_high = false\n[devices.indicator.lamps]\ncall = 22\n'
    )
    board = load_board(write(tmp_path, "board.toml", text))
    assert (board.name, board.kind) == ("bench", "door-station")
    assert board.devices["indicator"].backend == "gpio"
    assert board.options("indicator") == {"active_high": False, "lamps": {"call": 22}}


def test_what_is_not_written_has_a_safe_default(tmp_path: Path) -> None:
    board = load_board(write(tmp_path, "board.toml", BOARD))
    assert (board.lock.kind, board.lock.pulse, board.echo.processing) == ("fail-secure", 5.0, True)


def test_the_lock_is_opened_with_the_kind_of_the_lock_table(tmp_path: Path) -> None:
    board = load_board(write(tmp_path, "board.toml", BOARD + '\n[lock]\nkind = "fail-safe"\n'))
    relay = board.open("lock")
    assert relay is not None
    assert relay.kind == "fail-safe"
    relay.close()


def test_a_device_that_the_board_does_not_have_is_none(tmp_path: Path) -> None:
    assert load_board(write(tmp_path, "board.toml", BOARD)).open("door_contact") is None


def test_an_unknown_backend_is_never_replaced_by_another(tmp_path: Path) -> None:
    path = write(tmp_path, "board.toml", BOARD.replace('lock]\nbackend = "mock"', 'lock]\nbackend = "gpoi"'))
    with pytest.raises(BackendNotFound, match=r"'gpoi'.*gpio"):
        load_board(path).open("lock")


def test_all_problems_are_told_at_once_with_file_key_and_suggestion(tmp_path: Path) -> None:
    text = BOARD.replace('"door-station"', '"dor-station"').replace("name =", "nmae =") + "\n[lock]\npulse = 600\n"
    assert problems(load_board, write(tmp_path, "board.toml", text)) == [
        "board.toml: board.name: is missing",
        (
            "board.toml: board.kind: must be 'door-station', 'indoor-unit', 'phone' or 'management-console' "
            "(did you mean 'door-station'?)"
        ),
        "board.toml: board.nmae: unknown key (did you mean 'name'?)",
        "board.toml: lock.pulse: should be less than or equal to 60",
    ]


def test_a_mistyped_device_is_told_with_the_right_name(tmp_path: Path) -> None:
    text = BOARD + '\n[devices.tamper_swich]\nbackend = "mock"\n'
    assert problems(load_board, write(tmp_path, "board.toml", text)) == [
        "board.toml: devices.tamper_swich: a door-station has no such device (did you mean 'tamper_switch'?)"
    ]


@pytest.mark.parametrize("device", ["camera", "microphone", "speaker", "lock"])
def test_a_missing_device_is_an_error_and_not_a_pretended_device(tmp_path: Path, device: str) -> None:
    text = BOARD.replace(f'[devices.{device}]\nbackend = "mock"\n', "")
    (line,) = problems(load_board, write(tmp_path, "board.toml", text))
    assert line.startswith(f"board.toml: a door-station needs [devices.{device}]")


def test_a_door_needs_a_way_to_ring(tmp_path: Path) -> None:
    text = BOARD.replace('[devices.keypad]\nbackend = "mock"\n', "")
    (line,) = problems(load_board, write(tmp_path, "board.toml", text))
    assert "[devices.keypad] or [devices.call_button]" in line


def test_the_kind_of_the_lock_has_one_place(tmp_path: Path) -> None:
    text = BOARD.replace('lock]\nbackend = "mock"', 'lock]\nbackend = "mock"\nkind = "fail-safe"')
    (line,) = problems(load_board, write(tmp_path, "board.toml", text))
    assert line == "board.toml: devices.lock.kind belongs into the table [lock]"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[board\nname = 1\n", "is not TOML"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"", "board: is missing"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    assert told in problems(load_board, path)[0]


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert problems(load_board, tmp_path / "board.toml") == ["board.toml: cannot be read: No such file or directory"]
