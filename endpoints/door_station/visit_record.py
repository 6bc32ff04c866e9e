"""What the door station remembers of a visit for the record of it (V6, G2): all stages, unlocks, the picture, the end.

The server that keeps the record saw its own part of the visit, and may have been down in it; this completes the record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from endpoints.door_station.chain import Outcome
from endpoints.door_station.state import Phase

Record = dict[str, object]
Keep = Callable[[str, str, Record], None]
"""Takes the address of the server that keeps the record, the record's id, and the record."""
Look = Callable[[], Callable[[str], str]]
"""Remembers what the camera sees now; what it gives makes a file of that, for a purpose, and gives the file's name."""

_RESULTS = {
    Outcome.DECLINED: "declined",
    Outcome.CANCELLED: "cancelled",
    Outcome.BUSY: "no-answer",
    Outcome.NO_ANSWER: "no-answer",
    Outcome.TIME_OVER: "no-answer",
}
"""Other outcomes are "failed", unless somebody answered."""


@dataclass
class _Visit:
    session_id: str
    keeper: str
    flat: str
    started: datetime
    seen: Callable[[str], str]
    """Who rang."""
    stages: dict[str, str] = field(default_factory=dict)
    """Stage -> how it ended."""
    answered: datetime | None = None
    answered_by: str = ""
    unlocks: int = 0
    picture: str = ""


class VisitRecorder:
    """Listens to what the app tells the service port; at the end of a visit there is a record."""

    def __init__(
        self,
        device: str,
        keep: Keep,
        look: Look = lambda: lambda what: "",
        hurry: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`hurry` is called when a server that was away is back."""
        self._device, self._keep, self._look, self._hurry, self._now = device, keep, look, hurry, now
        self._visit: _Visit | None = None

    def note(self, event: str, facts: Mapping[str, object], session_id: str, keeper: str) -> None:
        """Something happened; `keeper` is the server that keeps the records of who is called, "" for none."""
        if event == "stage" and (self._visit is None or self._visit.session_id != session_id):
            self._visit = _Visit(session_id, keeper, str(facts["flat"]), self._now(), self._look())
        if event == "registered":
            self._hurry()
        visit = self._visit
        if visit is None:
            return
        match event:
            case "stage":
                visit.stages.setdefault(str(facts["stage"]), "failed")
            case "stage-over":
                visit.stages[str(facts["stage"])] = _result(facts["why"])
            case "state" if facts["new"] == Phase.TALKING:
                visit.answered = visit.answered or self._now()
            case "answered":
                visit.answered_by = str(facts.get("by", "")) or visit.answered_by
            case "unlock":
                visit.unlocks += bool(facts["granted"])
                visit.picture = str(facts["picture"]) or visit.picture
            case "ended":
                self._end(visit, facts)

    def _end(self, visit: _Visit, facts: Mapping[str, object]) -> None:
        self._visit = None
        result = "answered" if visit.answered else _result(facts["outcome"])
        visit.stages[str(facts["stage"])] = result
        if not visit.keeper:
            return
        record: Record = {
            "session_id": visit.session_id,
            "called": visit.flat,
            "flat": visit.flat if visit.flat.isdigit() else "",
            "stage": next(iter(visit.stages)),
            "stages": ", ".join(f"{stage} {how}" for stage, how in visit.stages.items()),
            "started": visit.started.isoformat(),
            "answered": visit.answered.isoformat() if visit.answered else None,
            "ended": self._now().isoformat(),
            "answered_by": visit.answered_by if visit.answered else "",
            "result": result,
            "code": facts["code"] or None,
            "unlocks": visit.unlocks,
            "reason": str(facts["outcome"]),
            "picture": visit.picture or visit.seen("visit"),
        }
        self._keep(visit.keeper, f"{visit.session_id}-{self._device[:31]}", record)


def _result(outcome: object) -> str:
    return _RESULTS.get(Outcome(str(outcome)), "failed")
