"""What may be watched in a whole community without a call (M1 to M4): its doors, and cameras behind a recorder."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from servers.directory.entries import EVERYBODY, Sight, Watchable
from sim.peers.nvr import nvr_command, nvr_here
from sim.plan import ADDRESS, CommunityPlan, ServerPlan
from sim.toml import Tables

GARDEN, YARD = "garden", "yard"
"""The camera of the first home, and that of the community, which only guards see."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """A network video recorder; its login is known to servers only."""

    port: int
    user: str = "viewer"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"rtsp://{ADDRESS}:{self.port}"

    @property
    def command(self) -> list[str]:
        """How it is started, with `environment`."""
        return nvr_command(ADDRESS, self.port, (GARDEN, YARD), ("--width", "320", "--height", "240"))

    @property
    def environment(self) -> dict[str, str]:
        """With its login."""
        return {"NVR_USER": self.user, "NVR_PASSWORD": self.password}


@dataclass(frozen=True, slots=True)
class Sights:
    """All that may be watched."""

    doors: dict[str, int]
    """Port of each door, by name."""
    recorder: Recorder | None
    secure: bool

    @classmethod
    def of(cls, plan: CommunityPlan, free_port: Callable[[], int], secure: bool) -> "Sights":
        """Where servers lease them out, that is in a community with a directory."""
        doors = [each.name for each in plan.devices if each.role == "door-station" and plan.directory]
        recorder = Recorder(free_port()) if doors and nvr_here() else None
        return cls({name: free_port() for name in doors}, recorder, secure)

    def of_door(self, name: str) -> Tables:
        """For a door's site file."""
        return {"watching": {"port": self.doors[name]}} if name in self.doors else {}

    def of_server(self, server: ServerPlan, plan: CommunityPlan) -> Tables:
        """For a server's site file; the first home has a camera."""
        if not self.doors or server.role not in ("management", "homelink"):
            return {}
        tables: Tables = {"watching": {}}
        first = plan.homes[0]
        if server.name != first.server or self.recorder is None:
            return tables
        login = {"user": self.recorder.user, "password": self.recorder.password}
        camera = {"name": GARDEN, "title": f"Garden of {first.family}", "path": f"/{GARDEN}"} | login
        return tables | {"nvr": {"url": self.recorder.url, "cameras": [camera]}}

    def listed(self, plan: CommunityPlan) -> dict[str, Watchable]:
        """For the directory: every home may watch the doors, only guards the camera of the community."""
        scheme = "https" if self.secure else "http"
        found = {}
        for door in plan.devices:
            if door.name in self.doors:
                url = f"{scheme}://{plan.address(door.name)}:{self.doors[door.name]}"
                found[door.name] = Watchable(title=door.place, url=url, flats=(EVERYBODY,))
        if (nvr := self.recorder) is not None:
            url = f"{nvr.url}/{YARD}"
            found[YARD] = Watchable(title="Yard", kind=Sight.CAMERA, url=url, user=nvr.user, password=nvr.password)
        return found
