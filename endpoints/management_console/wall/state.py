"""What a console knows of its wall."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from endpoints.screens.watching.lease import Watchable

SIZES = (1, 4, 9)


@dataclass(frozen=True, slots=True)
class Tile:
    """How one of them goes."""

    live: bool = False
    viewers: int = 0
    late_ms: int = 0
    why: str = ""
    """Why there is no picture."""


@dataclass(frozen=True, slots=True)
class Wall:
    """Which doors and cameras are beside each other, and which one the buttons mean."""

    sources: tuple[Watchable, ...] | None = None
    """None before the first answer of the server."""
    size: int = 4
    chosen: str = ""
    tiles: Mapping[str, Tile] = field(default_factory=dict)
    recording: frozenset[str] = frozenset()
    why: str = ""
    """Why there is no wall."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those that are of use."""
        count = len(self.sources or ())
        return tuple(size for size, below in zip(SIZES, (0, *SIZES), strict=False) if count > below or size == 1)

    @property
    def page(self) -> tuple[Watchable, ...]:
        """Those that are on the screen: the page with the chosen one."""
        sources = self.sources or ()
        start = max(0, self.place - 1) // self.size * self.size
        return sources[start : start + self.size]

    @property
    def place(self) -> int:
        """Place of the chosen one among all, from 1; 0 if there is none."""
        return next((place for place, one in enumerate(self.sources or (), 1) if one.name == self.chosen), 0)

    @property
    def shown(self) -> Watchable | None:
        """The chosen one."""
        return next((one for one in self.sources or () if one.name == self.chosen), None)

    def facts(self) -> dict[str, object]:
        """For a technician, as JSON."""
        names = None if self.sources is None else [one.name for one in self.sources]
        tiles = {
            name: {"live": tile.live, "viewers": tile.viewers, "late_ms": tile.late_ms, "why": tile.why}
            for name, tile in self.tiles.items()
        }
        told = {"sources": names, "size": self.size, "chosen": self.chosen, "why": self.why}
        return {**told, "tiles": tiles, "recording": sorted(self.recording)}
