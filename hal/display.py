"""Display: a screen that shows a live picture and a few words."""

from dataclasses import dataclass
from typing import Protocol

from hal.camera import Picture


@dataclass(frozen=True, slots=True)
class Scene:
    """What a screen says in words: `title` ("Gate 1 is calling"), `detail` ("Answer or decline"), and its buttons."""

    title: str
    detail: str = ""
    actions: tuple[str, ...] = ()
    """Names of the buttons that do something now: "answer", "decline", "unlock", "hangup", "mute", "dnd", "call",
    "guard", "emergency", "callback", "transfer", "history", "messages", "play", "delete", "monitor", "snapshot",
    "record"."""
    live: bool = False
    """Whether the live picture belongs on the screen now; without it the picture area is empty."""


class Display(Protocol):
    """Shows the latest scene over the latest picture."""

    def show(self, scene: Scene) -> None:
        """Show these words; a scene that is not live also removes the picture."""

    def picture(self, picture: Picture) -> None:
        """Show this picture now; never blocks, drops when too slow."""

    def close(self) -> None:
        """Dark; twice does no harm."""
