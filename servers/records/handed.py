"""What a device hands in about a call of its own: what only it knows, or what the server missed while it was down."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from servers.errors import RecordError
from servers.records.call import Result
from servers.records.table import CALL

Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,64}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,400}$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$")]

Values = dict[str, Any]
_TIMES = ("started", "answered", "ended")
_AHEAD = timedelta(days=1)
"""A device's clock may be before ours."""
_FROM_DEVICE = ("unlocks", "reason", "picture", "stages")
"""The server cannot know these: what the device says counts."""
_FROM_BOTH = ("flat", "answered", "ended", "answered_by", "result", "code")
"""The server saw these itself, unless it was interrupted."""


class Handed(BaseModel):
    """A call as the device saw it; the meaning of each field is that of CallRecord."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    session_id: Word = ""
    called: Word = ""
    flat: Word = ""
    stage: Annotated[str, StringConstraints(pattern=r"^[a-z]{0,16}$")] = ""
    started: AwareDatetime
    answered: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    answered_by: Word = ""
    result: Result
    code: Annotated[int, Field(ge=100, le=699)] | None = None
    unlocks: Annotated[int, Field(ge=0, le=1000)] = 0
    reason: Line = ""
    picture: Line = ""
    stages: Line = ""
    call_id: Line = ""
    """Of the leg between the two servers, where one tells the other."""
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z]{0,16}$")] = ""
    """Of the caller's account, where a server speaks for it."""

    def values(self, now: datetime, oldest: datetime) -> Values:
        """The columns; all times are moved together if the device's clock cannot have been right.

        A time that is beyond what is kept, because that clock was set in the middle of a call, becomes its nearest end.
        """
        columns = set(Handed.model_fields) - {"kind"}
        values = self.model_dump(mode="python", include=columns) | {"result": self.result.value}
        shift = timedelta() if oldest <= self.started <= now else now - (self.ended or self.started)
        for name in _TIMES:
            if values[name] is not None:
                values[name] = _moved(values[name], shift, oldest, now + _AHEAD)
        return values


def _moved(moment: datetime, shift: timedelta, first: datetime, last: datetime) -> datetime:
    try:
        moved = moment + shift
    except OverflowError:
        return first if shift < timedelta() else last
    return min(max(moved, first), last)


@dataclass(frozen=True, slots=True)
class Teller:
    """Who hands in a record."""

    name: str
    """As it proved itself."""
    kind: str
    """Of the caller, who need not be itself."""
    caller: str = ""
    """The name under which its calls stand here, if that is not its own."""

    @property
    def names(self) -> tuple[str, ...]:
        """Under one of them its calls stand here."""
        return (self.name, self.caller) if self.caller else (self.name,)


def hand_in(connection: Connection, identifier: str, teller: Teller, values: Values) -> bool:
    """Take a record of others, once however often it comes; True if it is new here.

    If the server followed the same call, both become one row. Raises RecordError if another has used this id.
    """
    by = teller.name
    same_id = or_(CALL.c.id == identifier, CALL.c.handed == identifier)
    known = connection.execute(select(CALL).where(same_id)).first()
    if known is not None and known.handed_by != by:
        raise RecordError(f"record {identifier} is another device's")
    followed = _followed(values, teller.names)
    row = known or connection.execute(select(CALL).where(followed).order_by(CALL.c.started)).first()
    if row is None:
        own = {"id": identifier, "handed": identifier, "handed_by": by}
        own |= {"caller": teller.caller or by, "caller_kind": teller.kind}
        connection.execute(insert(CALL).values(values | own))
        return True
    merged = _merged(row, values) | {"handed": identifier, "handed_by": by}
    connection.execute(update(CALL).where(CALL.c.id == row.id).values(merged))
    return False


def _followed(values: Values, names: Collection[str]) -> ColumnElement[bool]:
    """The call that the server followed, as caller or called of which the device proved itself then."""
    session = and_(CALL.c.session_id == values["session_id"], CALL.c.session_id != "")
    stage = CALL.c.stage.in_(("", values["stage"])) if values["stage"] else CALL.c.stage.is_not(None)
    mine = and_(session, stage, or_(CALL.c.caller.in_(names), CALL.c.answered_by.in_(names)))
    leg = and_(CALL.c.call_id == values["call_id"], CALL.c.call_id != "")
    return and_(CALL.c.handed.is_(None), or_(mine, leg))


def _merged(row: Row[Any], values: Values) -> Values:
    merged = {name: values[name] for name in _FROM_DEVICE if values[name]}
    if row.leg is None or row.interrupted:
        return merged | {name: values[name] for name in _FROM_BOTH if values[name] not in (None, "")}
    return merged | {name: values[name] for name in ("flat", "stage") if not getattr(row, name)}
