"""What doors hand in, over HTTP: tus 1.0.0 (core, creation) with a deposit's token, which reads nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import ClientDisconnect

from servers.http.connection import TUS
from servers.messages.desk import Desk
from servers.messages.label import ItemId, label_of
from servers.messages.sealed import CHUNK
from servers.messages.uploads import MEGABYTE, Progress, Step

SILENCE = 30.0
"""Seconds that a door may say nothing in the middle of a piece."""
OCTETS = "application/offset+octet-stream"
_bearer = HTTPBearer(auto_error=False, description="The deposit's token, from the directory.")


def _tus(request: Request) -> None:
    if request.headers.get("Tus-Resumable") != TUS:
        raise HTTPException(412, "this server speaks tus 1.0.0", {"Tus-Version": TUS})


def router_of(desk: Desk) -> APIRouter:
    """The pages."""

    def depositor(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
        home = desk.keeping.home_of(credentials.credentials) if credentials else None
        if home is None:
            raise HTTPException(401, "A deposit's token is needed", {"WWW-Authenticate": 'Bearer realm="intercom"'})
        return home

    router = APIRouter(tags=["uploads"])
    _describe(router, desk)
    _take(router, desk, Depends(depositor))
    return router


def _describe(router: APIRouter, desk: Desk) -> None:
    @router.options("/uploads", status_code=204, summary="What of tus this server speaks")
    def describe() -> Response:
        most = str(desk.store.limits.largest * MEGABYTE)
        facts = {"Tus-Version": TUS, "Tus-Extension": "creation", "Tus-Max-Size": most}
        return Response(status_code=204, headers=facts)


def _take(router: APIRouter, desk: Desk, depositor: object) -> None:
    tus = [Depends(_tus)]

    @router.post("/uploads", status_code=201, dependencies=tus, summary="Begin an item, or find it again by its id")
    def create(
        home: Annotated[str, depositor],
        upload_length: Annotated[int, Header(ge=1)],
        upload_metadata: Annotated[str, Header()],
    ) -> Response:
        label = label_of(upload_metadata, upload_length)
        if desk.uploads.create(home, label):
            desk.changed(home, "deleted")
        if label.lost:
            desk.lost(home, label.lost, label.id)
        return Response(status_code=201, headers={"Location": f"/uploads/{label.id}"})

    @router.head("/uploads/{identifier}", dependencies=tus, summary="How much of it is here")
    def progress(identifier: ItemId, home: Annotated[str, depositor]) -> Response:
        found = desk.uploads.progress(home, identifier)
        _tell(desk, home, identifier, found)
        facts = _offset(found) | {"Upload-Length": str(found.length), "Cache-Control": "no-store"}
        return Response(status_code=200, headers=facts)

    @router.patch("/uploads/{identifier}", status_code=204, dependencies=tus, summary="More of it")
    async def append(
        identifier: ItemId, request: Request, home: Annotated[str, depositor], upload_offset: Annotated[int, Header()]
    ) -> Response:
        if request.headers.get("Content-Type") != OCTETS:
            raise HTTPException(415, f"an upload is {OCTETS}")
        found = await _append(desk, request, home, identifier, upload_offset)
        await run_in_threadpool(_tell, desk, home, identifier, found)
        return Response(status_code=204, headers=_offset(found))


async def _append(desk: Desk, request: Request, home: str, identifier: str, offset: int) -> Progress:
    """Whatever came before the line was cut is kept."""
    with ExitStack() as stack:
        appending = await run_in_threadpool(stack.enter_context, desk.uploads.appending(home, identifier, offset))
        try:
            async for piece in _pieces(request):
                await run_in_threadpool(appending.write, piece)
        except (ClientDisconnect, TimeoutError):
            raise HTTPException(408, "the line was cut") from None
        await run_in_threadpool(appending.finish)
        return appending.progress


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of a chunk; what came before its end, or before the line was cut, comes in any case."""
    stream, gathered = aiter(request.stream()), bytearray()
    try:
        while True:
            gathered += await asyncio.wait_for(anext(stream), SILENCE)
            if len(gathered) >= CHUNK:
                yield bytes(gathered)
                gathered.clear()
    except StopAsyncIteration:
        if gathered:
            yield bytes(gathered)
    except (ClientDisconnect, TimeoutError):
        if gathered:
            yield bytes(gathered)
        raise


def _tell(desk: Desk, home: str, identifier: str, found: Progress) -> None:
    if found.step is Step.NEW:
        desk.arrived(home, identifier)


def _offset(found: Progress) -> dict[str, str]:
    return {"Upload-Offset": str(found.offset)}
