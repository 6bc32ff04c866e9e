"""What may be watched, and for how long: leases of the home's server, or of the management server."""

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from endpoints.errors import ServiceError
from endpoints.service import Answer, Service

SECONDS = 60
"""A lease; it is renewed while somebody watches, and ends by itself if this device does."""


class Watchable(BaseModel):
    """A door or a camera."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    title: str = ""
    kind: Literal["door", "camera"] = "door"

    @property
    def words(self) -> str:
        """For people."""
        return self.title or self.name


class Direct(BaseModel):
    """Where to go without the server in between (M2, M4)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: str = Field(repr=False)
    """``https://`` of a door, ``rtsp://`` of a video recorder, which may have its login in it."""
    token: str = Field(default="", repr=False)


class Lease(BaseModel):
    """The right to watch one of them, for now."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(repr=False)
    target: str
    viewers: int = 1
    paths: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """At the server itself: "live" is a WebSocket."""
    direct: Direct | None = None


_WATCHABLES = TypeAdapter(tuple[Watchable, ...])


class LeaseRefused(ServiceError):
    """The server or the door answers, and says no; the text is for the screen."""


def watchables(service: Service) -> tuple[Watchable, ...]:
    """What this device may watch, doors first. Raises ServiceError."""
    answer = _good(service, service.request("GET", "/watchables"))
    try:
        found = _WATCHABLES.validate_json(answer.body)
    except ValidationError as error:
        raise ServiceError(f"{service.url} tells of nothing that could be watched") from error
    return tuple(sorted(found, key=lambda one: one.kind != "door"))


def take(service: Service, target: str) -> Lease:
    """Watch `target` from now on. Raises ServiceError, LeaseRefused."""
    wish = json.dumps({"target": target, "seconds": SECONDS}).encode()
    return _lease(service, service.request("POST", "/leases", wish))


def renew(service: Service, lease: Lease) -> Lease:
    """A minute more. Raises ServiceError, LeaseRefused."""
    return _lease(
        service, service.request("POST", f"/leases/{lease.id}/renew", json.dumps({"seconds": SECONDS}).encode())
    )


def give_back(service: Service, lease: Lease) -> None:
    """Watch no more; a lease that is over already needs no more. Raises ServiceError."""
    answer = service.request("DELETE", f"/leases/{lease.id}")
    if answer.status != 404:
        _good(service, answer)


def _lease(service: Service, answer: Answer) -> Lease:
    try:
        return Lease.model_validate_json(_good(service, answer).body)
    except ValidationError as error:
        raise ServiceError(f"{service.url} gives no lease that could be used") from error


def _good(service: Service, answer: Answer) -> Answer:
    if answer.status >= 300:
        raise LeaseRefused(REFUSALS.get(answer.status, f"Refused ({answer.status})"))
    return answer


REFUSALS = {
    401: "Not allowed",
    403: "Not allowed",
    404: "Nothing to watch",
    429: "Too many watch already",
    502: "No picture now",
}
"""In words for the screen."""
