"""The service port that is the log."""

import json
import logging
from typing import cast

import pytest

from hal.service_log import Level, LogServicePort


def test_an_event_is_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "intercom.service"):
        LogServicePort().publish("unlock", {"flat": "301", "at": object(), "name": "Familie Schön"})
    event, _, facts = caplog.messages[0].partition(" ")
    assert event == "unlock"
    assert json.loads(facts)["flat"] == "301"
    assert "Schön" in facts


def test_it_is_silent_below_the_level_of_the_log_and_when_closed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "intercom.service"):
        LogServicePort("debug").publish("state", {})
        port = LogServicePort("warning")
        port.publish("tamper", {})
        port.close()
        port.close()
        port.publish("state", {})
    assert caplog.messages == ["tamper {}"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="debug, info, warning"):
        LogServicePort(cast(Level, "loud"))
