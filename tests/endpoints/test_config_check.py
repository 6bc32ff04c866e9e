"""`intercom check`: every kind of file, every problem, the backends' options too."""

from pathlib import Path

import pytest

from endpoints.config.check import main, problems_of
from hal.errors import DeviceUnavailable
from tests.endpoints.configuration_files import BOARD, PEOPLE, SITE, write


def _told(path: Path) -> list[str]:
    return [line.replace(f"{path.parent}/", "") for line in problems_of(path)]


def test_good_files_are_called_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(tmp_path, f"{name}.toml", text) for name, text in _texts().items()]
    assert main([str(path) for path in files]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: good" for path in files]


def _texts() -> dict[str, str]:
    return {"board": BOARD, "site": SITE, "people": PEOPLE}


def test_one_bad_file_among_good_ones_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write(tmp_path, "people.toml", PEOPLE)
    bad = write(tmp_path, "board.toml", BOARD + "\n[lokc]\n")
    assert main([str(bad), str(good)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{bad}: lokc: unknown key (did you mean 'lock'?)",
        f"{good}: good",
    ]


def test_a_site_is_checked_with_the_people_it_names(tmp_path: Path) -> None:
    write(tmp_path, "people.toml", PEOPLE.replace("homelink", "homelik"))
    told = _told(write(tmp_path, "site.toml", SITE))
    assert told == [
        "people.toml: flats.301.homelink: is missing",
        "people.toml: flats.301.homelik: unknown key (did you mean 'homelink'?)",
    ]


def test_a_file_of_no_known_kind_is_told_with_the_known_tables(tmp_path: Path) -> None:
    (line,) = _told(write(tmp_path, "other.toml", "[colour]\nred = 1\n"))
    assert line.startswith("other.toml: is no configuration file of ours")
    assert "[board]" in line


def test_an_unknown_backend_is_told_with_the_installed_ones(tmp_path: Path) -> None:
    text = BOARD.replace('lock]\nbackend = "mock"', 'lock]\nbackend = "gpoi"').replace(
        'keypad]\nbackend = "mock"', 'keypad]\nbackend = "telepathy"'
    )
    lock, keypad = _told(write(tmp_path, "board.toml", text))
    assert lock == "board.toml: devices.lock.backend: there is no relay backend 'gpoi' (did you mean 'gpio'?)"
    assert keypad.startswith("board.toml: devices.keypad.backend: there is no keypad backend 'telepathy' (installed: ")


def test_options_are_checked_against_what_the_backend_takes(tmp_path: Path) -> None:
    text = BOARD.replace('lock]\nbackend = "mock"', 'lock]\nbackend = "gpio"\npni = 17\nactive_high = "perhaps"')
    assert _told(write(tmp_path, "board.toml", text)) == [
        "board.toml: devices.lock.pni: unknown option of backend 'gpio' (did you mean 'pin'?)",
        "board.toml: devices.lock.active_high: should be a valid boolean, unable to interpret input",
        "board.toml: devices.lock.pin: is missing; backend 'gpio' needs it",
    ]


def test_a_pin_that_is_used_twice_or_does_not_exist_is_told(tmp_path: Path) -> None:
    buttons = "".join(
        f'\n[devices.{name}]\nbackend = "gpio"\npin = {pin}\n'
        for name, pin in [("call_button", 17), ("exit_button", 28)]
    )
    text = BOARD.replace('lock]\nbackend = "mock"', 'lock]\nbackend = "gpio"\npin = 17') + buttons
    assert _told(write(tmp_path, "board.toml", text)) == [
        "board.toml: devices.call_button.pin: pin 17 is used by devices.lock.pin already",
        "board.toml: devices.exit_button.pin: there is no pin 28 (BCM 0 to 27)",
    ]


def test_a_backend_without_its_library_here_is_a_note_and_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_library(ability: str, name: str) -> None:
        raise DeviceUnavailable(f"{ability} backend {name!r} cannot be used here: no lgpio")

    monkeypatch.setattr("endpoints.config.backends.find_backend", without_library)
    assert main([str(write(tmp_path, "board.toml", BOARD))]) == 0
    good, *notes = capsys.readouterr().out.splitlines()
    assert good.endswith("good")
    assert len(notes) == 5
    assert all("note: devices." in note and "no lgpio" in note for note in notes)
