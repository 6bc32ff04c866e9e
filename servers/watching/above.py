"""With the management server: the key that doors are to believe this HomeLink's tokens by."""

import json
import logging
from typing import TYPE_CHECKING

from servers.above.client import ServiceAbove
from servers.above.directory import DirectoryCopy
from servers.errors import NeighbourError
from servers.watching.signing import Signer

if TYPE_CHECKING:
    from servers.records.store import RecordStore

log = logging.getLogger(__name__)


class TellKey:
    """Told again whenever the directory says another one, or none."""

    def __init__(self, signer: Signer, directory: DirectoryCopy) -> None:
        self._signer, self._directory = signer, directory

    def __call__(self, service: ServiceAbove, store: "RecordStore") -> None:
        """Raises NeighbourError."""
        if self._directory.watcher() == self._signer.public_key:
            return
        body = json.dumps({"key": self._signer.public_key}).encode()
        answer = service.ask("PUT", "/directory/watcher", body)
        if answer.status != 204:
            raise NeighbourError(f"the server above refuses the key to watch with: {answer.status}")
        log.info("the server above knows the key to watch with")
