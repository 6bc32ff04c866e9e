"""What a screen does to watch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskSources:
    """Ask the server where the device is registered what may be watched: "home", "cloud", "" of the only one."""

    server: str


@dataclass(frozen=True, slots=True)
class Watch:
    """Bring the live picture of that one onto the screen, instead of any other."""

    target: str


@dataclass(frozen=True, slots=True)
class WatchNoMore:
    """Nobody watches any more: nothing that comes late may be shown."""


WatchAction = AskSources | Watch | WatchNoMore
