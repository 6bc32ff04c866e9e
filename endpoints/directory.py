"""The directory as a device knows it: fetched from the management server, cached in a file that outlives everything.

The device always has an answer: at first the cache, or what was written by hand; then whatever was fetched last.
"""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from endpoints.config.people import Directory, Document
from endpoints.errand import Errand
from endpoints.errors import ServiceError
from endpoints.service import Service

log = logging.getLogger(__name__)

PATH = "/directory"


class DirectoryClient:
    """Keeps `current` up to date; `changed` is called with each new one, on a thread of the client."""

    def __init__(
        self,
        service: Service,
        cache: Path,
        changed: Callable[[Directory], None] = lambda directory: None,
        written: Directory | None = None,
        refresh: float = 60.0,
    ) -> None:
        """Reads the cache at once; `written` is what to go by as long as nothing was ever fetched."""
        self._service, self._cache, self._changed, self._refresh = service, cache, changed, refresh
        self._etag, cached = _read(cache)
        self._current = cached or written or Directory()
        self._errand = Errand("directory", self._fetch)

    @property
    def current(self) -> Directory:
        """The directory to go by now; from any thread."""
        return self._current

    def start(self) -> None:
        """Ask the server now, and then every `refresh` seconds, each time a little different."""
        self._errand.start()

    def refresh(self) -> None:
        """Ask now: somebody said that there is something new."""
        self._errand.wake()

    def close(self) -> None:
        """Ask no more; twice does no harm."""
        self._errand.close()

    def _fetch(self) -> float:
        answer = self._service.request("GET", PATH, etag=self._etag)
        if answer.status == 200:
            self._take(answer.etag, answer.body)
        elif answer.status != 304:
            raise ServiceError(f"{self._service.url} refuses the directory with {answer.status}")
        return self._refresh

    def _take(self, etag: str, body: bytes) -> None:
        try:
            directory = Directory.model_validate_json(body)
        except ValidationError as error:
            raise ServiceError(f"{self._service.url} sends no directory: {_first_problem(error)}") from None
        self._keep(etag, body)
        self._etag = etag
        if directory != self._current:
            log.info("directory of version %d with %d flats", directory.version, len(directory.flats))
            self._current = directory
            self._changed(directory)

    def _keep(self, etag: str, body: bytes) -> None:
        content = b'{"etag": %s, "directory": %s}' % (json.dumps(etag).encode(), body)
        try:
            write_atomically(self._cache, content)
        except OSError as error:  # a full or broken disk: it is used all the same, and fetched again after a restart
            log.warning("%s cannot be written: %s", self._cache, error.strerror)


class _Kept(Document):
    etag: str
    directory: Directory


def _read(cache: Path) -> tuple[str, Directory | None]:
    """ETag and content; a file that is missing or damaged is as good as none."""
    try:
        kept = _Kept.model_validate_json(cache.read_bytes())
    except FileNotFoundError:
        return "", None
    except (OSError, ValidationError) as error:
        log.warning("%s is not used: %s", cache, type(error).__name__)
        return "", None
    return kept.etag, kept.directory


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, problem['loc']))} {problem['msg']}".strip()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` (mode 0600): after a power cut it is the old one or the new one, never half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
