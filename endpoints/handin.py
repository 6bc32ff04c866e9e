"""Call records that a device keeps until their server has them: one file each, so that they survive a power cut."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from endpoints.directory import write_atomically
from endpoints.errand import FIRST_RETRY, Errand
from endpoints.errors import ServiceError
from endpoints.service import Service

log = logging.getLogger(__name__)

KEPT = 1000
"""Records that wait; beyond it the oldest are lost, and this is told."""
_NOT_NOW = frozenset({401, 403, 429})
"""Refusals that end when somebody repairs an account; 5xx ends by itself."""


class _Waiting(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    url: str
    id: str
    record: dict[str, Any]
    picture: str = ""
    """A JPEG file that goes after the record; one that is gone by then is done without."""


class HandIn:
    """Hands records in, each under its own id until the server has taken it: once, however often it is sent."""

    def __init__(
        self, folder: Path, services: Callable[[str], Sequence[Service]], first_retry: float = FIRST_RETRY
    ) -> None:
        """`services` gives the ways to log in at a server; the first that is let in is used."""
        self._folder, self._services = folder, services
        self._errand = Errand("records", self._work, first_retry)

    def add(self, url: str, identifier: str, record: Mapping[str, object], picture: Path | None = None) -> None:
        """Write a record down and hand it in soon; when this returns it is safe. From any thread."""
        waiting = _Waiting(url=url, id=identifier, record=dict(record), picture=str(picture or ""))
        try:
            write_atomically(self._folder / f"{identifier}.json", waiting.model_dump_json().encode())
        except OSError as error:
            log.error("record %s cannot be kept: %s", identifier, error.strerror)
            return
        self._errand.wake()

    def hurry(self) -> None:
        """A server that was away is back: what waits is tried at once. From any thread."""
        self._errand.hurry()

    def start(self) -> None:
        """Hand in what waits from before, and everything that comes."""
        self._errand.start()

    def close(self) -> None:
        """What waits is handed in after the next start; twice does no harm."""
        self._errand.close()

    @property
    def waiting(self) -> int:
        """How many records no server has yet."""
        return sum(1 for _ in self._files())

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*.json")

    def _work(self) -> None:
        """One server that is away does not keep the records of another one waiting."""
        away: dict[str, str] = {}
        files = sorted(self._files(), key=_written)
        for path in files[:-KEPT]:
            log.error("record %s is lost: too many wait", path.stem)
            path.unlink(missing_ok=True)
        for path in files[-KEPT:]:
            waiting = _read(path)
            if waiting is not None and waiting.url not in away:
                try:
                    self._hand_in(waiting)
                except ServiceError as error:
                    away[waiting.url] = str(error)
                    continue
                path.unlink(missing_ok=True)
        if away:
            raise ServiceError("; ".join(away.values()))

    def _hand_in(self, waiting: _Waiting) -> None:
        path = f"/records/{waiting.id}"
        if self._put(waiting, path, json.dumps(waiting.record).encode(), "application/json") and waiting.picture:
            try:
                jpeg = Path(waiting.picture).read_bytes()
            except OSError as error:
                log.warning("record %s has no picture: %s", waiting.id, error.strerror)
                return
            self._put(waiting, f"{path}/picture", jpeg, "image/jpeg")

    def _put(self, waiting: _Waiting, path: str, body: bytes, content: str) -> bool:
        """Whether the server took it; False if it never will. Raises ServiceError: not now."""
        answer = None
        for service in self._services(waiting.url):
            answer = service.request("PUT", path, body, content=content)
            if answer.status not in (401, 403):
                break
        if answer is None or answer.status in _NOT_NOW or answer.status >= 500:
            raise ServiceError(f"{waiting.url} does not take records now ({answer.status if answer else 'no login'})")
        if answer.status >= 300:
            log.error("%s is refused for good by %s: %d %s", path, waiting.url, answer.status, answer.body[:200])
        return answer.status < 300


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # the server has it just now
        return 0


def _read(path: Path) -> _Waiting | None:
    try:
        return _Waiting.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.error("%s is not handed in: %s", path, type(error).__name__)
        path.unlink(missing_ok=True)
        return None
