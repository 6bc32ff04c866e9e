"""Watching over HTTP: what may be watched, leases, and the pictures of doors and cameras while a lease holds."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response as AnyResponse

from servers.directory.entries import Sight
from servers.http.login import Caller, Identity, forbidden
from servers.kamailio.kinds import Kind
from servers.watching.desk import WatchingDesk
from servers.watching.errors import SourceAway
from servers.watching.forward import LiveResponse, forward_socket
from servers.watching.lease import Lease, Reason
from servers.watching.settings import LONGEST

KINDS = {"live.mp4": "video/mp4", "live.mjpeg": "multipart/x-mixed-replace", "snapshot.jpg": "image/jpeg"}
"""What is passed on of a source, and what it must be."""


class LeaseWish(BaseModel):
    """What a lease is asked for with."""

    model_config = ConfigDict(extra="forbid")
    target: Annotated[str, Field(max_length=32)]
    seconds: Annotated[int, Field(ge=1, le=LONGEST)] = 60
    viewers: Annotated[int, Field(ge=1, le=64)] = 2
    """At the same time."""


class RenewWish(BaseModel):
    """How much longer."""

    model_config = ConfigDict(extra="forbid")
    seconds: Annotated[int, Field(ge=1, le=LONGEST)] = 60


def watching_one(caller: Caller) -> Identity:
    """People of a home, and guards."""
    if not ((caller.kind.resident and caller.home) or caller.kind is Kind.CONSOLE):
        raise forbidden()
    return caller


Watcher = Annotated[Identity, Depends(watching_one)]


def routers_of(desk: WatchingDesk) -> Sequence[APIRouter]:
    """The pages."""
    return (_leases(desk), _changing(desk), _pictures(desk))


def _leases(desk: WatchingDesk) -> APIRouter:
    router = APIRouter(tags=["watching"])

    @router.get("/watchables", summary="The doors and cameras that you may watch")
    def watchables(caller: Watcher) -> list[dict[str, str]]:
        found = sorted(desk.targets(caller).values(), key=lambda one: (one.kind, one.name))
        return [{"name": one.name, "title": one.title, "kind": one.kind.value} for one in found]

    @router.post("/leases", status_code=201, summary="Watch one of them for some time")
    def grant(caller: Watcher, wish: LeaseWish) -> dict[str, Any]:
        return told(desk, desk.grant(caller, wish.target, wish.seconds, wish.viewers))

    @router.get("/leases", summary="What you watch now")
    def own(caller: Watcher) -> list[dict[str, Any]]:
        return [told(desk, lease) for lease in desk.book.of(caller)]

    @router.get("/leases/{identifier}", summary="One lease")
    def one(caller: Watcher, identifier: str) -> dict[str, Any]:
        return told(desk, desk.book.one(caller, identifier))

    return router


def _changing(desk: WatchingDesk) -> APIRouter:
    router = APIRouter(tags=["watching"])

    @router.post("/leases/{identifier}/renew", summary="Watch on, as many seconds from now")
    def renew(caller: Watcher, identifier: str, wish: RenewWish) -> dict[str, Any]:
        lease = desk.book.one(caller, identifier)
        desk.renew(caller, lease, wish.seconds)
        return told(desk, lease)

    @router.delete("/leases/{identifier}", status_code=204, summary="Watch no more")
    def give_back(caller: Watcher, identifier: str) -> Response:
        desk.end(desk.book.one(caller, identifier), Reason.GIVEN_BACK)
        return Response(status_code=204)

    return router


def _pictures(desk: WatchingDesk) -> APIRouter:
    router = APIRouter(tags=["watching"])

    async def live(caller: Identity, identifier: str, name: str) -> AnyResponse:
        lease = desk.book.one(caller, identifier)
        async with AsyncExitStack() as stack:
            viewing = stack.enter_context(desk.book.viewing(lease))
            picture = await stack.enter_async_context(desk.picture(lease, name))
            if not picture.content_type.startswith(KINDS[name]):
                raise SourceAway(f"{lease.target.title} sends something else than {KINDS[name]}")
            return LiveResponse(stack.pop_all(), viewing, picture.content_type, picture.pieces)

    @router.get("/leases/{identifier}/live.mp4", summary="An endless film, for players and browsers")
    async def film(caller: Watcher, identifier: str) -> AnyResponse:
        return await live(caller, identifier, "live.mp4")

    @router.get("/leases/{identifier}/live.mjpeg", summary="Endless pictures, for whatever shows JPEG")
    async def pictures(caller: Watcher, identifier: str) -> AnyResponse:
        return await live(caller, identifier, "live.mjpeg")

    @router.get("/leases/{identifier}/snapshot.jpg", summary="The picture of now")
    async def snapshot(caller: Watcher, identifier: str) -> AnyResponse:
        return await live(caller, identifier, "snapshot.jpg")

    @router.websocket("/leases/{identifier}/live")
    async def socket(socket: WebSocket, caller: Watcher, identifier: str) -> None:
        lease = desk.book.one(caller, identifier)
        with desk.book.viewing(lease) as viewing:
            async with desk.messages(lease) as messages:
                await forward_socket(socket, viewing, messages)

    return router


def told(desk: WatchingDesk, lease: Lease) -> dict[str, Any]:
    """A lease, for who has it."""
    base, door = f"/leases/{lease.id}", lease.target.kind is Sight.DOOR
    paths = {"live": f"{base}/live", "mp4": f"{base}/live.mp4", "snapshot": f"{base}/snapshot.jpg"}
    return {
        "id": lease.id,
        "expires": lease.expires.isoformat().replace("+00:00", "Z"),
        "target": lease.target.name,
        "viewers": lease.allowed,
        "watching": len(lease.viewings),
        "paths": paths | ({"mjpeg": f"{base}/live.mjpeg"} if door else {}),
        "rtsp": desk.rtsp_url(lease),
        "direct": desk.direct(lease),
    }
