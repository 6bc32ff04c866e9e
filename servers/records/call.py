"""One call as a server remembers it: who called, when, who answered, how it ended."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum


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
    """One call, or one stage of a visit; times are UTC."""

    id: str
    session_id: str
    """The same in every record of one visit, at every server (RFC 7989)."""
    caller: str
    """Name of the door station in its certificate, or the account it logged in with."""
    caller_kind: str
    called: str
    flat: str
    """Number of the flat that it was for, or that it came from; "" if the server does not know."""
    stage: str
    """home, phones, telephone, guard; "" for a call that is no visit."""
    started: datetime
    answered: datetime | None
    ended: datetime | None
    """None while the call is still going on."""
    duration: float
    """Seconds from the answer to the end; 0.0 for a call that nobody answered, or that is still going on."""
    result: Result
    code: int | None
    """Final SIP status that the caller got."""
    answered_by: str
    """Account of the device that answered, "" if none did."""
    unlocks: int
    """How often the door was opened in it."""
    reason: str
    """Why it ended, as the caller's device tells."""
    picture: str
    """Of who stood there: ``records/ID/picture`` at this server; only a name while the door station still has it."""
    stages: str
    """All stages of the visit and their results, as the door station tells: ``home failed, telephone answered``."""
    handed_by: str
    """The device that handed in what only it knows, or what the server missed; "" if none did."""
    relayed: bool
    """The call only went through this server; its record is kept by those at its ends (V6, H2)."""
    caller_uri: str
    call_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; "" and None leave a thing open."""

    flat: str = ""
    result: Result | None = None
    stage: str = ""
    session_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    identifier: str = ""
    """As the server or as the device knows it."""
    community: str = ""
    """Only flats of this community: ``301.lakeside``."""
    concerning: str = ""
    """Only calls of this account: as caller, or as who answered."""
    relayed: bool | None = None
    """Those that only went through; False: only those whose record is kept here."""


def duration(answered: datetime | None, ended: datetime | None) -> float:
    """Seconds of talk."""
    return max((ended - answered).total_seconds(), 0.0) if answered and ended else 0.0


def csv_text(records: Iterable[CallRecord]) -> str:
    """The records as CSV (RFC 4180) with a header line; what a spreadsheet would take for a formula is quoted."""
    names = [field.name for field in fields(CallRecord)]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(getattr(record, name)) for name in names])
    return file.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
