"""Where a device with two servers registers: at home if it can, else at the cloud. No clock, no SIP library."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from endpoints.sip.agent import Registered, RegistrationLost, SipEvent

HOME = 0


@dataclass(frozen=True, slots=True)
class Place:
    """One of the servers, for those who are told where the device is."""

    name: str
    domain: str


class Roaming:
    """Follows the registrations, in the order of preference; `wants` says where there shall be one.

    A visit is sent to all contacts that a server knows, and to one server after the other: a device that is known to
    both would ring twice. So it is registered at one, and for a moment at both when it moves: it registers at home
    before it leaves the cloud, and never leaves a server in whose call it is.
    """

    def __init__(self, places: Sequence[Place], emit: Callable[[SipEvent], None]) -> None:
        """`emit` is told where it is registered, at each change, and when it is so nowhere."""
        self._places, self._emit = places, emit
        self._up = [False] * len(places)
        self._lost: dict[int, RegistrationLost] = {}
        self._active: int | None = None
        self._told_loss = False
        self._home_failed = False

    @property
    def active(self) -> int:
        """The server where it is; the preferred one if it is nowhere."""
        return HOME if self._active is None else self._active

    def told(self, server: int, event: Registered | RegistrationLost) -> None:
        """What one server's registration became."""
        self._up[server] = isinstance(event, Registered)
        if isinstance(event, RegistrationLost):
            self._lost[server] = event
            self._home_failed = self._home_failed or server == HOME
        self._settle()

    def left(self, server: int) -> None:
        """The registration there was taken back."""
        self._up[server] = False
        self._settle()

    def home_is_slow(self) -> None:
        """Home said nothing for so long that the cloud shall be asked."""
        self._home_failed = True

    def wants(self, server: int, in_call: bool) -> bool:
        """Whether to be registered at `server`, by whose calls the device may be `in_call`."""
        return server == HOME or in_call or (self._home_failed and not self._up[HOME])

    def _settle(self) -> None:
        active = next((number for number, up in enumerate(self._up) if up), None)
        if active is not None and active != self._active:
            place = self._places[active]
            self._active, self._told_loss = active, False
            self._emit(Registered(place.name, place.domain))
        elif active is None and not self._told_loss and len(self._lost) == len(self._places):
            self._active, self._told_loss = None, True
            self._emit(self._lost[HOME])
        if active is not None:
            self._lost.clear()
