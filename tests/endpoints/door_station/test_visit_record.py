"""A visit becomes one record: all its stages, the unlocks, the picture and the end."""

from datetime import UTC, datetime, timedelta

import pytest

from endpoints.door_station.visit_record import Record, VisitRecorder
from servers.records.handed import Handed

Told = list[tuple[str, dict[str, object]]]
SESSION = "0123456789abcdef0123456789abcdef"
JPEG = "{}.jpg".format
HOME: dict[str, object] = {"stage": "home", "flat": "301"}
PHONES: dict[str, object] = {"stage": "phones", "flat": "301"}
OVER = ("stage-over", {"stage": "home", "why": "no-answer", "code": 408})


def ended(stage: str, outcome: str, code: int = 0) -> tuple[str, dict[str, object]]:
    return "ended", {"stage": stage, "outcome": outcome, "code": code}


def recorded(*told: tuple[str, dict[str, object]], keeper: str = "https://home") -> list[tuple[str, str, Record]]:
    kept: list[tuple[str, str, Record]] = []
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number) for number in range(100))
    recorder = VisitRecorder("door1", lambda *one: kept.append(one), lambda: JPEG, now=lambda: next(moments))
    for event, facts in told:
        recorder.note(event, facts, "" if event == "ended" else SESSION, keeper)
    return kept


@pytest.mark.flow("V6")
def test_a_visit_through_two_stages_with_an_open_door() -> None:
    answered: Told = [("state", {"new": "talking"}), ("answered", {"by": "phone2"})]
    unlocked = ("unlock", {"granted": True, "picture": "1.jpg"})
    ((keeper, identifier, record),) = recorded(
        ("stage", HOME), OVER, ("stage", PHONES), *answered, unlocked, ended("phones", "hung-up", 200)
    )
    assert (keeper, identifier) == ("https://home", f"{SESSION}-door1")
    handed = Handed.model_validate(record)
    assert (handed.stage, handed.stages) == ("home", "home no-answer, phones answered")
    assert (handed.result, handed.answered_by, handed.unlocks, handed.picture) == ("answered", "phone2", 1, "1.jpg")
    assert handed.answered is not None
    assert handed.ended is not None
    assert handed.started < handed.answered < handed.ended
    assert (handed.reason, handed.flat, handed.session_id) == ("hung-up", "301", SESSION)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [("declined", "declined"), ("cancelled", "cancelled"), ("busy", "no-answer"), ("unreachable", "failed")],
)
def test_a_visit_that_nobody_answers(outcome: str, result: str) -> None:
    ((_, _, record),) = recorded(("stage", HOME), ended("home", outcome, 603))
    assert (record["result"], record["stages"], record["answered"]) == (result, f"home {result}", None)
    assert record["picture"] == "visit.jpg", "who rang"
    Handed.model_validate(record)


def test_a_call_to_the_guard_belongs_to_no_flat() -> None:
    ((_, _, record),) = recorded(("stage", {"stage": "guard", "flat": "guard"}), ended("guard", "no-answer", 408))
    assert (record["called"], record["flat"], record["stage"]) == ("guard", "", "guard")


def test_what_is_no_visit_makes_no_record() -> None:
    assert not recorded(("unlock", {"granted": True, "picture": ""}), ("state", {"new": "dialling"}))
    assert not recorded(("stage", HOME), ended("home", "declined"), keeper="")
