"""The words of a console that shows its wall."""

from endpoints.management_console.wall.state import Tile, Wall
from hal.display import Scene


def wall_scene(wall: Wall, note: str, offers: tuple[str, ...]) -> Scene:
    """The chosen one, and what the buttons do with it."""
    if not wall.sources:
        return Scene("Monitor", wall.why or "Asking", ("hangup",))
    shown = wall.shown
    tile = wall.tiles.get(wall.chosen, Tile())
    keeping = "Recording" if wall.chosen in wall.recording else ""
    page = f"{wall.size} of {len(wall.sources)}" if wall.size < len(wall.sources) else f"{len(wall.sources)} in all"
    words = (note, keeping, f"{shown.words} is chosen" if shown else "", page)
    usable = {"snapshot": tile.live, "record": tile.live or bool(keeping)}
    actions = tuple(offer for offer in ("snapshot", "record") if offer in offers and usable[offer])
    detail = ", ".join(word for word in words if word)
    return Scene("Monitor", detail, (*actions, "monitor", "hangup"), live=True)
