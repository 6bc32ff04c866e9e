"""The call records that a server keeps (V6, G2, P3, H2): who called, when, who answered, how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from servers.kamailio.database import opened
from servers.kamailio.site import ServerSite


class Result(StrEnum):
    """How a call ended; ONGOING while it has not."""

    ONGOING = ""
    ANSWERED = "answered"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_ANSWER = "no-answer"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call; times are UTC."""

    session_id: str
    caller: str
    """Name of the door station in its certificate, or the account it logged in with."""
    caller_kind: str
    started: datetime
    result: Result
    code: int | None
    """Final SIP status that the caller got."""
    answered_by: str
    """Account of the device that answered, "" if none did."""
    ended: datetime | None
    """None while the call is still going on."""
    duration: float
    """Seconds from the answer to the end; 0.0 for a call that nobody answered, or that is still going on."""
    called: str
    caller_uri: str
    call_id: str


def records(site: ServerSite, limit: int = 100) -> list[CallRecord]:
    """The latest calls, newest first. Raises ServerError if the file cannot be read."""
    site.databases.prepare()
    with opened(site.databases.records) as database:
        rows = database.execute("SELECT * FROM call ORDER BY started DESC, id DESC LIMIT ?", (limit,)).fetchall()
    return [_record(dict(row)) for row in rows]


def close_interrupted(site: ServerSite) -> None:
    """Calls that were going on when the server ended without warning: their end is not known, their result is."""
    with opened(site.databases.records) as database:
        database.execute("UPDATE call SET result = 'failed' WHERE result = ''")
        database.execute("UPDATE call SET ended = coalesce(answered, started) WHERE ended IS NULL")


def _record(row: dict[str, Any]) -> CallRecord:
    return CallRecord(
        session_id=row["session_id"],
        caller=row["caller"],
        caller_kind=row["caller_kind"],
        started=datetime.fromisoformat(row["started"]),
        result=Result(row["result"]),
        code=int(row["code"]) if row["code"] is not None else None,
        answered_by=row["answered_by"],
        ended=_moment(row["ended"]),
        duration=_seconds(_moment(row["answered"]), _moment(row["ended"])),
        called=row["called"],
        caller_uri=row["caller_uri"],
        call_id=row["call_id"],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seconds(answered: datetime | None, ended: datetime | None) -> float:
    return (ended - answered).total_seconds() if answered and ended else 0.0
