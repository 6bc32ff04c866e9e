"""The telephone numbers of the directory, told to the cloud server, which calls them also while we are down (V3)."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from servers.above.client import ServiceAbove
from servers.errors import NeighbourError

if TYPE_CHECKING:  # loaded late: SIP does not wait for the database's library
    from servers.directory.store import DirectoryStore
    from servers.records.store import RecordStore

AGAIN_SECONDS = 600.0
"""Told once more after this though nothing has changed: the cloud server may have been set up anew."""


class Telephones:
    """An errand: tells all numbers of the community when the directory has changed."""

    def __init__(self, directory: "Callable[[], DirectoryStore]", clock: Callable[[], float] = time.monotonic) -> None:
        """`directory` opens it; that may fail, and is done each time."""
        self._directory, self._clock = directory, clock
        self._version = -1
        self._due = 0.0

    def __call__(self, service: ServiceAbove, store: "RecordStore") -> None:
        """Raises NeighbourError or DatabaseError."""
        directory = self._directory()
        if directory.version() == self._version and self._clock() < self._due:
            return
        edition = directory.edition()
        numbers = {number: flat.telephone for number, flat in edition.flats.items() if flat.telephone}
        answer = service.ask("PUT", "/telephones", json.dumps(numbers).encode())
        if answer.status != 204:
            raise NeighbourError(f"the server above takes no telephone numbers ({answer.status})")
        self._version, self._due = edition.version, self._clock() + AGAIN_SECONDS
