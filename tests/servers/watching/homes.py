"""A HomeLink's HTTP service with a door to watch."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers.community.authority import Role
from servers.kamailio import accounts
from servers.kamailio.config import Transport
from servers.watching.signing import Signer
from tests.servers.http.services import Web, running_web
from tests.servers.nodes import free_port, own_address
from tests.servers.watching.doors import StandInDoor, running_door
from tests.servers.watching.watchers import Watcher


@dataclass
class Watched:
    """The home, and its door."""

    web: Web
    door: StandInDoor
    _watchers: list[Watcher] = field(default_factory=list)

    def watcher(self, name: str, kind: str = "indoor") -> Watcher:
        """A device of the home."""
        self._watchers.append(Watcher(self.web.account(name, kind)))
        return self._watchers[-1]

    def forget(self) -> None:
        """Nobody lives here any more, and nothing is watched."""
        while self._watchers:
            watcher = self._watchers.pop()
            for lease in json.loads(watcher.service.request("GET", "/leases").body):
                watcher.give_back(lease)
        for device in accounts.devices(self.web.site):
            accounts.remove(self.web.site, device.name)
        self.door.asked.clear()
        self.door.refused.clear()


@contextmanager
def watched_home(
    folder: Path, transports: Sequence[Transport] = ("udp",), settings: str = "", limits: str = ""
) -> Iterator[Watched]:
    """A HomeLink that may watch door1; `limits` are more lines of [watching], `settings` more tables."""
    address = own_address()
    port = free_port(address)
    scheme = "https" if "tls" in transports else "http"
    listed = f'[[watching.doors]]\nname = "door1"\ntitle = "Front door"\nurl = "{scheme}://{address}:{port}"\n'
    with running_web(folder, Role.HOMELINK, transports, f"[watching]\n{limits}\n{listed}\n{settings}") as web:
        files = None
        if web.community:
            files = web.community.issue(Role.DOOR_STATION, "door1", [address], folder / "door")
        with running_door("door1", address, port, files) as door:
            signer = Signer(web.site.databases.watching_key, "homelink:home")
            door.keys[signer.issuer] = signer.public_key
            yield Watched(web, door)
