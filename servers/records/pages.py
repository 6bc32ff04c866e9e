"""Call records over HTTP: pages, CSV, and what devices hand in."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from servers.http.app import Backend
from servers.http.login import Caller, Identity, forbidden
from servers.kamailio.kinds import Kind
from servers.records.call import CallRecord, Result, Wanted, csv_text
from servers.records.duty import completed
from servers.records.handed import Handed, RecordId, Teller
from servers.records.store import PAGE

_READERS = {
    "homelink": {Kind.INDOOR, Kind.PHONE},
    "management": {Kind.CONSOLE},
    "cloud": set[Kind](),
}
"""Who may read all records of a server; others read those that concern them."""
_RESIDENTS = {kind.value for kind in Kind if kind.resident}
JPEG = b"\xff\xd8\xff"


def allowed(program: str, caller: Identity) -> Wanted:
    """What this account may read. Raises HTTPException for one that may read nothing."""
    if caller.kind is Kind.GUEST:
        raise forbidden()
    if caller.kind in _READERS[program]:
        return Wanted()
    if caller.kind is Kind.MANAGEMENT:
        return Wanted(community=caller.name)
    return Wanted(concerning=caller.name) if caller.kind is Kind.DOOR else Wanted(flat=caller.home)


def _wanted(
    flat: Annotated[str, Query(max_length=64)] = "",
    result: Result | None = None,
    stage: Annotated[str, Query(max_length=16)] = "",
    session: Annotated[str, Query(max_length=64, description="Session-ID")] = "",
    since: Annotated[datetime | None, Query(alias="from", description="begun at or after this time")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="begun before this time")] = None,
    relayed: Annotated[bool, Query(description="also calls that only went through this server")] = False,
) -> Wanted:
    only = None if relayed else False
    return Wanted(flat, result, stage, session, _aware(since), _aware(until), relayed=only)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone() if moment and moment.tzinfo is None else moment


Filter = Annotated[Wanted, Depends(_wanted)]


def teller_of(program: str, caller: Identity, kind: str) -> Teller:
    """How calls of this account stand here: those of homes by their flat, at servers of more than one (R1, R3)."""
    own_name = program == "homelink" or caller.kind in (Kind.DOOR, Kind.CONSOLE)
    spoken_for = kind if caller.kind is Kind.HOMELINK and kind in _RESIDENTS else caller.kind.value
    return Teller(caller.name, spoken_for, caller.name if own_name else caller.home)


def with_messages(backend: Backend, caller: Identity, found: Sequence[CallRecord]) -> list[dict[str, Any]]:
    """The records with the ids of what was left in their visits (V6), for who may see it."""
    left = backend.left_in(caller, [one.session_id for one in found])
    return [asdict(one) | {"messages": list(left.get(one.session_id, ()))} for one in found]


def routers_of(backend: Backend) -> tuple[APIRouter, ...]:
    """The pages of one server."""
    return (_reading(backend), _taking(backend))


def _reading(backend: Backend) -> APIRouter:
    router = APIRouter(tags=["records"])
    program = backend.site.program

    @router.get("/records", summary="Newest first; `next` is the `after` of the next page")
    def read(
        caller: Caller, wanted: Filter, after: str = "", limit: Annotated[int, Query(ge=1, le=PAGE)] = 100
    ) -> dict[str, Any]:
        found = backend.records.page(wanted, limit, after, allowed(program, caller))
        records = with_messages(backend, caller, found)
        return {"records": records, "next": found[-1].id if len(found) == limit else None}

    @router.get("/records.csv", response_class=StreamingResponse, summary="All that the filter lets through")
    def table(caller: Caller, wanted: Filter) -> StreamingResponse:
        records = backend.records.all(wanted, allowed(program, caller))
        headers = {"Content-Disposition": 'attachment; filename="records.csv"'}
        return StreamingResponse(_lines(records), media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/records/{identifier}/picture", response_class=Response, summary="Who stood at the door, as JPEG")
    def picture(identifier: RecordId, caller: Caller) -> Response:
        found = backend.records.page(Wanted(identifier=identifier), 1, within=allowed(program, caller))
        jpeg = backend.records.picture(found[0].id) if found else None
        if jpeg is None:
            raise HTTPException(404, f"there is no picture of record {identifier}")
        return Response(jpeg, media_type="image/jpeg")

    @router.get("/records/{identifier}", summary="One record")
    def one(identifier: RecordId, caller: Caller) -> dict[str, Any]:
        found = backend.records.page(Wanted(identifier=identifier), 1, within=allowed(program, caller))
        if not found:
            raise HTTPException(404, f"there is no record {identifier}")
        return with_messages(backend, caller, found)[0]

    return router


def _taking(backend: Backend) -> APIRouter:
    router = APIRouter(tags=["records"])
    program = backend.site.program

    @router.put("/records/{identifier}", status_code=204, summary="Hand in a call that this device took part in")
    def hand_in(identifier: RecordId, handed: Handed, caller: Caller) -> Response:
        if caller.kind is Kind.GUEST:
            raise forbidden()
        told = completed(backend.site, handed, caller.home)
        new = backend.records.hand_in(identifier, teller_of(program, caller, handed.kind), told)
        return Response(status_code=201 if new else 204)

    @router.put("/records/{identifier}/picture", status_code=204, summary="A JPEG to a record that was handed in")
    async def keep_picture(identifier: RecordId, request: Request, caller: Caller) -> None:
        jpeg = await request.body()
        if not jpeg.startswith(JPEG):
            raise HTTPException(415, "this is no JPEG picture")
        await run_in_threadpool(backend.records.keep_picture, identifier, caller.name, jpeg)

    return router


def _lines(records: Iterator[CallRecord]) -> Iterator[str]:
    yield csv_text(())
    for record in records:
        yield csv_text([record]).split("\r\n", 1)[1]
