"""What a screen knows of what it may watch, and of what it watches."""

from dataclasses import dataclass

from endpoints.screens.watching.lease import Watchable


@dataclass(frozen=True, slots=True)
class Watching:
    """The list, and which of it is on the screen."""

    sources: tuple[Watchable, ...] | None = None
    """None before the first answer of the server."""
    at: str = ""
    """Name of the one that is watched, "" while the list is asked for."""
    live: bool = False
    """Whether its picture comes."""
    viewers: int = 0
    late_ms: int = 0
    """How late its picture is."""
    why: str = ""
    """Why there is no picture."""

    @property
    def shown(self) -> Watchable | None:
        """What is on the screen."""
        return next((one for one in self.sources or () if one.name == self.at), None)

    @property
    def place(self) -> int:
        """Its place in the list, from 1."""
        return next((place for place, one in enumerate(self.sources or (), 1) if one.name == self.at), 0)

    def next(self) -> Watchable | None:
        """The one after it."""
        sources = self.sources or ()
        return sources[self.place] if self.place < len(sources) else None

    def facts(self) -> dict[str, object]:
        """For a technician, as JSON."""
        names = None if self.sources is None else [one.name for one in self.sources]
        told = {"sources": names, "target": self.at, "live": self.live, "viewers": self.viewers}
        return {**told, "late_ms": self.late_ms, "why": self.why}
