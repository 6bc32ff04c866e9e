"""The directory as a HomeLink knows it: fetched from the management server, kept, and told to the home's devices."""

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from servers.above.client import ServiceAbove
from servers.errors import NeighbourError
from servers.kamailio.kinds import Kind

if TYPE_CHECKING:  # loaded beside Kamailio
    from fastapi import APIRouter

    from servers.records.store import RecordStore

log = logging.getLogger(__name__)


class DirectoryCopy:
    """Always the last one that was fetched, also with the management server down, and after a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[str, bytes] | None:
        """ETag and document; None as long as there was none. From any thread."""
        try:
            etag, _, document = self._path.read_bytes().partition(b"\n")
            json.loads(document)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s", self._path, type(error).__name__)
            return None
        return etag.decode("ascii", "replace"), document

    def deposit_tokens(self) -> list[str]:
        """What lets a door deposit messages for this home; empty before anything was fetched."""
        known = self.read()
        flats = json.loads(known[1]).get("flats", {}) if known else {}
        return [flat["messages"]["token"] for flat in flats.values() if "messages" in flat]

    def watchables(self) -> dict[str, dict[str, str]]:
        """The doors that this home may watch: name -> title, kind, url."""
        known = self.read()
        found: dict[str, dict[str, str]] = json.loads(known[1]).get("watchables", {}) if known else {}
        return found

    def watcher(self) -> str:
        """The key that doors believe this HomeLink's tokens by; "" before they know one."""
        known = self.read()
        return str(json.loads(known[1]).get("watcher", "")) if known else ""

    def __call__(self, service: ServiceAbove, store: "RecordStore") -> None:
        """Fetch it if it is new. Raises NeighbourError."""
        known = self.read()
        answer = service.ask("GET", "/directory", etag=known[0] if known else "")
        if answer.status == 304:
            return
        if answer.status != 200:
            raise NeighbourError(f"the server above refuses the directory with {answer.status}")
        try:
            json.loads(answer.body)
        except ValueError as error:
            raise NeighbourError("the server above sends no directory") from error
        self._write(answer.etag, answer.body)
        log.info("a new directory is here")

    def _write(self, etag: str, document: bytes) -> None:
        unfinished = self._path.with_name(f"{self._path.name}.part")
        try:
            unfinished.touch(mode=0o600)
            with unfinished.open("wb") as file:
                file.write(etag.encode("ascii", "replace") + b"\n" + document)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        except OSError as error:
            raise NeighbourError(f"the directory cannot be kept: {error.strerror}") from error


def pages_of(copy: DirectoryCopy) -> "Sequence[APIRouter]":
    """What a HomeLink's HTTP service has beside records and health."""
    from fastapi import APIRouter, Header, HTTPException, Response

    from servers.http.login import Caller, forbidden

    router = APIRouter(tags=["directory"])

    @router.get("/directory", summary="Who can be called from this home, by name; 304 while it has not changed")
    def read(caller: Caller, if_none_match: Annotated[str, Header()] = "") -> Response:
        if caller.kind not in (Kind.INDOOR, Kind.PHONE):
            raise forbidden()
        known = copy.read()
        if known is None:
            raise HTTPException(503, "No directory was fetched yet")
        etag, document = known
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if if_none_match == etag:
            return Response(status_code=304, headers=headers)
        return Response(_for_residents(document), media_type="application/json", headers=headers)

    return (router,)


def _for_residents(document: bytes) -> bytes:
    """Without what only this server need know: they deposit no messages, and watch through it."""
    told = json.loads(document)
    for name in ("watchables", "watcher"):
        told.pop(name, None)
    for flat in told.get("flats", {}).values():
        flat.pop("messages", None)
    return json.dumps(told, ensure_ascii=False).encode()
