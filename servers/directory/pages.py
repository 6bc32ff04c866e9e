"""The directory over HTTP: every account reads what its kind is told, administrators change it."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from servers.directory.document import document, tag
from servers.directory.entries import Console, Flat, Name, Number, PublicKey, Watchable
from servers.directory.issuers import homelink_issuer
from servers.directory.sheet import csv_of, flats_of
from servers.directory.store import DirectoryStore
from servers.directory.watch_sheet import watch_csv_of, watchables_of
from servers.errors import DirectoryError
from servers.http.login import Caller, forbidden
from servers.kamailio.kinds import Kind
from servers.management.site import ManagementSite


def pages_of(site: ManagementSite, store: Callable[[], DirectoryStore]) -> Sequence[APIRouter]:
    """The pages of a management server."""
    return (_reading(site, store), _watching(site, store), _changing(site, store))


class WatcherKey(BaseModel):
    """What a HomeLink signs its tokens with."""

    model_config = ConfigDict(extra="forbid")
    key: Annotated[PublicKey, Field(min_length=1)]


def _reading(site: ManagementSite, store: Callable[[], DirectoryStore]) -> APIRouter:
    router = APIRouter(tags=["directory"])

    @router.get("/directory", summary="Whom each flat number calls; 304 while it has not changed")
    def read(caller: Caller, if_none_match: Annotated[str, Header()] = "") -> Response:
        if caller.kind is Kind.GUEST:
            raise forbidden()
        told = document(site, store().edition(), caller.kind, caller.home, caller.name)
        headers = {"ETag": tag(told), "Cache-Control": "no-cache"}
        if if_none_match == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(json.dumps(told, ensure_ascii=False), media_type="application/json", headers=headers)

    @router.get("/directory.csv", summary="All flats as a table")
    def table(caller: Caller) -> Response:
        if caller.kind is not Kind.CONSOLE:
            raise forbidden()
        return Response(csv_of(store().edition().flats), media_type="text/csv; charset=utf-8")

    return router


def _only_admins(site: ManagementSite) -> Any:
    admins = site.http.admins if site.http else ()

    def only_admins(caller: Caller) -> None:
        if caller.name not in admins:
            raise forbidden()

    return Depends(only_admins)


def _watching(site: ManagementSite, store: Callable[[], DirectoryStore]) -> APIRouter:
    router, admins = APIRouter(tags=["directory"]), [_only_admins(site)]

    @router.put("/directory/watcher", status_code=204, summary="A HomeLink's key, which doors are to believe")
    def put_watcher(caller: Caller, watcher: WatcherKey) -> None:
        if caller.kind is not Kind.HOMELINK:
            raise forbidden()
        store().set_watcher(homelink_issuer(caller.name), watcher.key)

    @router.get("/directory/watchables.csv", dependencies=admins, summary="Doors and cameras as a table, with logins")
    def table() -> Response:
        return Response(watch_csv_of(store().edition().watchables), media_type="text/csv; charset=utf-8")

    @router.put(
        "/directory/watchables.csv", dependencies=admins, status_code=204, summary="Add or replace those listed"
    )
    async def take(request: Request, only: bool = False) -> None:
        listed = watchables_of(await _text(request))
        await run_in_threadpool(store().replace_watchables, listed, only)

    @router.put("/directory/watchables/{name}", dependencies=admins, status_code=204, summary="A door or a camera")
    def put_watchable(name: Name, watchable: Watchable) -> None:
        store().replace_watchables({name: watchable})

    @router.delete("/directory/watchables/{name}", dependencies=admins, status_code=204, summary="Watched no more")
    def delete_watchable(name: Name) -> None:
        _there(lambda: store().remove_watchable(name))

    return router


async def _text(request: Request) -> str:
    try:
        return (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise DirectoryError("the table is not UTF-8") from None


def _changing(site: ManagementSite, store: Callable[[], DirectoryStore]) -> APIRouter:
    router = APIRouter(tags=["directory"], dependencies=[_only_admins(site)])

    @router.put("/directory.csv", status_code=204, summary="Add or replace the flats of a table; all of it or nothing")
    async def take(request: Request, only: bool = False) -> None:
        store().replace_flats(flats_of(await _text(request)), only)

    @router.put("/directory/flats/{number}", status_code=204, summary="Add or replace a flat")
    def put_flat(number: Number, flat: Flat) -> None:
        store().set_flat(number, flat)

    @router.delete("/directory/flats/{number}", status_code=204, summary="Remove a flat")
    def delete_flat(number: Number) -> None:
        _there(lambda: store().remove_flat(number))

    @router.post("/directory/flats/{number}/deposit", status_code=204, summary="Another token for what visitors leave")
    def renew_deposit(number: Number) -> None:
        _there(lambda: store().renew_deposit(number))

    @router.put("/directory/consoles/{name}", status_code=204, summary="Add or replace a console")
    def put_console(name: Name, console: Console) -> None:
        store().set_console(name, console)

    @router.delete("/directory/consoles/{name}", status_code=204, summary="Remove a console")
    def delete_console(name: Name) -> None:
        _there(lambda: store().remove_console(name))

    return router


def _there(remove: Any) -> None:
    try:
        remove()
    except DirectoryError as error:
        raise HTTPException(404, str(error)) from error
