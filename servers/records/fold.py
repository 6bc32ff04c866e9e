"""Folds events into the table of calls: each event at most once, each call one row, whoever told of it first."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from servers.records.call import Result
from servers.records.events import Event, EventKind, last_number
from servers.records.table import CALL, POSITION

_FLAT = re.compile(r"[0-9]{1,8}(\.[A-Za-z0-9_-]+)?")


Relays = Callable[[Mapping[str, str]], bool]
"""Whether the call of these facts only goes through this server."""


def fold(connection: Connection, origin: str, events: Sequence[Event], relays: Relays = lambda facts: False) -> None:
    """Apply those of `events` that come after the position of `origin`, and move the position, in one transaction."""
    done = position(connection, origin)
    fresh = [event for event in events if event.number > done]
    for event in fresh:
        if event.kind is EventKind.BEGIN:
            _begin(connection, origin, event, relays(event.facts))
        else:
            _FOLDS[event.kind](connection, origin, event)
    if fresh:
        mine = POSITION.c.origin == origin
        connection.execute(update(POSITION).where(mine).values(number=last_number(fresh)))


def position(connection: Connection, origin: str) -> int:
    """Number of the last event of that file that is folded; 0 for a new file, which is known from now on."""
    found = connection.execute(select(POSITION.c.number).where(POSITION.c.origin == origin)).scalar()
    if found is None:
        connection.execute(insert(POSITION).values(origin=origin, number=0))
    return found or 0


def _begin(connection: Connection, origin: str, event: Event, relayed: bool) -> None:
    facts, call_id = event.facts, event.facts.get("call_id", "")
    leg: dict[str, Any] = {"origin": origin, "leg": event.record, "call_id": call_id, "relayed": relayed}
    leg |= {"caller_kind": facts.get("kind", ""), "caller_uri": facts.get("uri", ""), "called": facts.get("called", "")}
    key = {"session_id": facts.get("session", ""), "caller": facts.get("caller", ""), "stage": facts.get("stage", "")}
    told = connection.execute(select(CALL.c.id, CALL.c.flat).where(_told_before(call_id, **key)).limit(1)).first()
    flat = flat_of(facts)
    if told is None:
        connection.execute(insert(CALL).values(id=event.record, started=event.at, flat=flat, **key, **leg))
    else:
        connection.execute(update(CALL).where(CALL.c.id == told.id).values(flat=told.flat or flat, **leg))


def _told_before(call_id: str, session_id: str, caller: str, stage: str) -> ColumnElement[bool]:
    """A call that was handed in before we heard of it ourselves; a device may leave the stage open."""
    same = and_(CALL.c.session_id == session_id, CALL.c.caller == caller, CALL.c.stage.in_(("", stage)))
    either = or_(and_(same, CALL.c.session_id != ""), and_(CALL.c.call_id == call_id, CALL.c.call_id != ""))
    return and_(either, CALL.c.leg.is_(None), CALL.c.handed.is_not(None))


def flat_of(facts: Mapping[str, str]) -> str:
    """The flat that is called, or else the caller's; at a server of many communities with its community."""
    called, home = facts.get("called", ""), facts.get("home", "")
    if called.isdecimal() and "." in home:
        called = f"{called}.{home.partition('.')[2]}"
    return next((user for user in (called, home) if _FLAT.fullmatch(user)), "")


def _answer(connection: Connection, origin: str, event: Event) -> None:
    values = {"answered": event.at, "answered_by": event.facts.get("by", "")}
    values |= {"result": Result.ANSWERED.value, "code": 200}
    connection.execute(update(CALL).where(_leg(origin, event)).values(values))


def _end(connection: Connection, origin: str, event: Event) -> None:
    code, result = event.facts.get("code", ""), event.facts.get("result", "")
    values: dict[str, Any] = {"ended": event.at, "result": result if result in set(Result) else Result.FAILED.value}
    if code.isdecimal():
        values["code"] = func.coalesce(CALL.c.code, int(code))
    connection.execute(update(CALL).where(_leg(origin, event)).values(values))


def _restart(connection: Connection, origin: str, event: Event) -> None:
    """Calls that were going on when the server ended without warning: their end is not known, their result is."""
    going_on = and_(CALL.c.origin == origin, CALL.c.ended.is_(None))
    unanswered = and_(going_on, CALL.c.result == Result.ONGOING.value)
    connection.execute(update(CALL).where(unanswered).values(result=Result.FAILED.value))
    ended = func.coalesce(CALL.c.answered, CALL.c.started)
    connection.execute(update(CALL).where(going_on).values(ended=ended, interrupted=True, reason=_interrupted()))


def _interrupted() -> ColumnElement[str]:
    return func.coalesce(func.nullif(CALL.c.reason, ""), "server interrupted")


def _leg(origin: str, event: Event) -> ColumnElement[bool]:
    return and_(CALL.c.origin == origin, CALL.c.leg == event.record)


_FOLDS = {
    EventKind.ANSWER: _answer,
    EventKind.END: _end,
    EventKind.RESTART: _restart,
}
