"""What visitors left, over HTTP, for the devices of the home: list, films, pictures, news, export."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from servers.http.login import Caller, Identity, forbidden
from servers.messages.desk import Desk, state
from servers.messages.export import archive
from servers.messages.journal import Access
from servers.messages.label import ItemId, Sort
from servers.messages.news import TooManyListeners
from servers.messages.ranges import OutOfRange, byte_range
from servers.messages.store import PAGE, Filter

ALIVE = 15.0
"""Seconds between two signs of life in a stream of news."""
_PRIVATE = {"Cache-Control": "private, no-cache"}


def resident(caller: Caller) -> Identity:
    """Only devices of a home's people; `Identity.home` is all that they see."""
    if not caller.kind.resident or not caller.home:
        raise forbidden()
    return caller


Resident = Annotated[Identity, Depends(resident)]


class Seen(BaseModel):
    """What a device may change."""

    model_config = ConfigDict(extra="forbid")
    read: bool


class Retention(BaseModel):
    """How long the home keeps things; never longer than the site file says."""

    model_config = ConfigDict(extra="forbid")
    days: Annotated[int, Field(ge=1, le=3650)]


def routers_of(desk: Desk) -> Sequence[APIRouter]:
    """The pages, those with fixed names first."""
    return (_whole(desk), _news(desk), _list(desk), _content(desk), _change(desk))


def _note(desk: Desk, caller: Identity, what: str, item: str = "") -> None:
    desk.note(Access(caller.home, caller.name, caller.way, what, item))


def _list(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["messages"])

    @router.get("/messages", summary="Newest first; `next` is the `after` of the next page")
    def page(
        caller: Resident,
        after: Annotated[str, Query(pattern=r"^([0-9a-f]{32})?$")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
        kind: Sort | None = None,
        read: Annotated[bool | None, Query(description="only those that were, or were not, seen")] = None,
        session: Annotated[str, Query(max_length=64, description="Session-ID of the visit")] = "",
    ) -> dict[str, Any]:
        found = desk.store.page(caller.home, Filter(kind, read, session), limit, after)
        _note(desk, caller, "list")
        following = found[-1].id if len(found) == limit else None
        return {"messages": [one.told() for one in found], "next": following} | state(desk.store.count(caller.home))

    @router.get("/messages/{identifier}", summary="What is known of one")
    def one(identifier: ItemId, caller: Resident) -> dict[str, Any]:
        return desk.store.one(caller.home, identifier).told()

    return router


def _content(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["messages"])

    @router.head("/messages/{identifier}/content", include_in_schema=False)
    @router.get("/messages/{identifier}/content", summary="The film or the picture")
    def content(
        identifier: ItemId,
        request: Request,
        caller: Resident,
        wanted: Annotated[str, Header(alias="Range")] = "",
        if_range: Annotated[str, Header()] = "",
    ) -> Response:
        item, file = desk.store.one(caller.home, identifier), desk.store.content(caller.home, identifier)
        facts = _PRIVATE | {"ETag": f'"{item.sha256}"', "Accept-Ranges": "bytes"}
        try:
            part = byte_range(wanted, item.size) if if_range in ("", facts["ETag"]) else None
        except OutOfRange as error:
            return Response(status_code=416, headers=facts | {"Content-Range": str(error)})
        start, end = part or (0, item.size)
        facts["Content-Length"] = str(end - start)
        if part:
            facts["Content-Range"] = f"bytes {start}-{end - 1}/{item.size}"
        status = 206 if part else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=facts, media_type=item.filetype)
        _note(desk, caller, "content", identifier)
        return StreamingResponse(file.read(start, end), status, facts, item.filetype)

    @router.get("/messages/{identifier}/thumbnail", response_class=Response, summary="A small JPEG")
    def thumbnail(identifier: ItemId, caller: Resident) -> Response:
        jpeg = desk.thumbnail(caller.home, identifier)
        _note(desk, caller, "thumbnail", identifier)
        return Response(jpeg, media_type="image/jpeg", headers=_PRIVATE)

    return router


def _change(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["messages"])

    @router.patch("/messages/{identifier}", summary="Seen, or not, for all devices of the home")
    def change(identifier: ItemId, seen: Seen, caller: Resident) -> dict[str, Any]:
        item = desk.store.set_read(caller.home, identifier, seen.read, caller.name)
        desk.changed(caller.home, "read", item)
        _note(desk, caller, "read" if seen.read else "unread", identifier)
        return item.told()

    @router.delete("/messages/{identifier}", status_code=204, summary="For all devices of the home")
    def delete(identifier: ItemId, caller: Resident) -> None:
        item = desk.store.one(caller.home, identifier)
        desk.store.delete(caller.home, identifier)
        desk.changed(caller.home, "deleted", item)
        _note(desk, caller, "delete", identifier)

    return router


def _whole(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["messages"])

    @router.get("/messages/export", response_class=StreamingResponse, summary="Everything as a ZIP file")
    def export(caller: Resident) -> StreamingResponse:
        _note(desk, caller, "export")
        headers = _PRIVATE | {"Content-Disposition": 'attachment; filename="messages.zip"'}
        return StreamingResponse(archive(desk.store, caller.home), media_type="application/zip", headers=headers)

    @router.get("/messages/accesses", summary="Who looked at what, newest first")
    def accesses(
        caller: Resident, before: int | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        found = desk.journal.page(caller.home, limit, before)
        return {"accesses": found, "next": found[-1]["number"] if len(found) == limit else None}

    @router.get("/messages/retention", summary="How long this home keeps things")
    def retention(caller: Resident) -> Retention:
        return Retention(days=desk.store.days(caller.home))

    @router.put("/messages/retention", status_code=204, summary="Change that")
    def set_retention(wish: Retention, caller: Resident) -> None:
        desk.store.set_days(caller.home, wish.days)

    return router


def _news(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["messages"])

    @router.get("/messages/events", response_class=StreamingResponse, summary="Server-sent events: what changes")
    def events(caller: Resident) -> StreamingResponse:
        if desk.news.full(caller.home, caller.name):
            raise HTTPException(503, "too many listen already", {"Retry-After": "30"})
        return StreamingResponse(_stream(desk, caller), media_type="text/event-stream", headers=_PRIVATE)

    return router


async def _stream(desk: Desk, caller: Identity) -> AsyncIterator[str]:
    """First how it stands, then every change; whoever was cut off asks for the list again."""
    try:
        with desk.news.listening(caller.home, caller.name) as listener:
            yield _event("state", state(await run_in_threadpool(desk.store.count, caller.home)))
            while True:
                try:
                    told = await asyncio.wait_for(listener.news.get(), ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if told is None:
                    return
                yield _event(told["change"], told)
    except TooManyListeners:
        return


def _event(name: str, told: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
