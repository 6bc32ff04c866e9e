"""What a console does for its wall."""

from dataclasses import dataclass

from endpoints.screens.actions import OwnAction


@dataclass(frozen=True, slots=True)
class Pane:
    """One tile: whose picture, and the words below it."""

    name: str
    words: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Arrange(OwnAction):
    """Have exactly these on the wall, `side` in a row; nothing stays of others."""

    side: int
    panes: tuple[Pane, ...]


@dataclass(frozen=True, slots=True)
class TakeDown(OwnAction):
    """No wall any more."""


@dataclass(frozen=True, slots=True)
class Snapshot(OwnAction):
    """Keep the picture that this one shows now."""

    target: str


@dataclass(frozen=True, slots=True)
class Record(OwnAction):
    """Begin to keep what this one shows, or end that."""

    target: str
    on: bool
