"""Log lines: their form and their level."""

import logging
from collections.abc import Iterator

import pytest

from endpoints.log import VARIABLE, configure_logging


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_has_time_level_name_and_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logging.getLogger("endpoints.sip").info("registered at %s", "home")
    time, level, name, *sentence = capsys.readouterr().err.split()
    assert time.count(":") == 2
    assert (level, name, " ".join(sentence)) == ("INFO", "endpoints.sip:", "registered at home")


def test_the_environment_sets_the_level(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(VARIABLE, "warning")
    configure_logging()
    logging.getLogger("x").info("quiet")
    assert capsys.readouterr().err == ""


def test_the_command_line_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "ERROR")
    configure_logging("debug")
    logging.getLogger("x").debug("loud")
    assert "loud" in capsys.readouterr().err


def test_an_unknown_level_is_told_and_info_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("laut")
    assert "LAUT is no log level" in capsys.readouterr().err
    assert logging.getLogger().level == logging.INFO
