"""What happens while a screen watches."""

from dataclasses import dataclass

from endpoints.screens.watching.lease import Watchable


@dataclass(frozen=True, slots=True)
class SourcesTold:
    """What may be watched; None: nobody answers."""

    sources: tuple[Watchable, ...] | None


@dataclass(frozen=True, slots=True)
class WatchLive:
    """The first picture of that one is on the screen; milliseconds after it was asked for."""

    target: str
    after_ms: float


@dataclass(frozen=True, slots=True)
class WatchTold:
    """How it goes."""

    target: str
    viewers: int
    late_ms: int


@dataclass(frozen=True, slots=True)
class WatchOver:
    """Its pictures ended; `why` is for people."""

    target: str
    why: str


WatchEvent = SourcesTold | WatchLive | WatchTold | WatchOver
