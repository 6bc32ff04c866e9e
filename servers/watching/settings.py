"""The parts of a site file about watching: [watching] at HomeLink and management, [nvr] at HomeLink."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator

from servers.kamailio.site import Port
from servers.sitefile import Section

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
LONGEST = 600
"""Seconds of a lease: a token for a door holds no longer."""


class WatchingSection(Section):
    """[watching]: doors and cameras may be watched without a call (M1-M4). Needs [http]."""

    seconds: int = Field(default=LONGEST, ge=5, le=LONGEST)
    """The longest that a lease holds unless it is renewed."""
    leases: int = Field(default=32, ge=1, le=1000)
    """At the same time."""
    viewers: int = Field(default=4, ge=1, le=64)
    """Of one lease, at the same time."""
    rtsp_port: Port | None = None
    """Where cameras are watched by RTSP, at the address of the server; without it only over HTTP."""


class ListedDoor(Section):
    """A door that this HomeLink watches without being told by a management server."""

    name: Name
    """As in its certificate."""
    title: Title
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]{1,200}$")]


class HomeWatchingSection(WatchingSection):
    """[watching] of a HomeLink."""

    doors: tuple[ListedDoor, ...] = Field(default=(), max_length=64)
    """Beside those of the directory."""


class ListedCamera(Section):
    """A camera behind the home's NVR."""

    name: Name
    title: Title
    path: Annotated[str, StringConstraints(pattern=r"^/[!-~]{0,300}$")]
    """Of its stream, with query if the NVR wants one: ``/cam/realmonitor?channel=1&subtype=1``."""
    user: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f:]{0,64}$")] = ""
    password: SecretStr = SecretStr("")


class NvrSection(Section):
    """[nvr] of a HomeLink: the network video recorder of this home (M3); its logins stay here."""

    url: Annotated[str, StringConstraints(pattern=r"^rtsp://[^\s/?#@]{1,200}$")]
    """``rtsp://192.168.1.9:554``"""
    cameras: tuple[ListedCamera, ...] = Field(min_length=1, max_length=64)
    """Those that the home may see; no others are reached."""

    @field_validator("cameras")
    @classmethod
    def _once(cls, cameras: tuple[ListedCamera, ...]) -> tuple[ListedCamera, ...]:
        names = [camera.name for camera in cameras]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"names {', '.join(sorted(twice))} twice")
        return cameras
