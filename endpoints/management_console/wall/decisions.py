"""Decisions about the wall: how many beside each other, which one is chosen, what is kept of it."""

import math
from dataclasses import replace
from typing import Any

from endpoints.actions import Publish
from endpoints.events import KeyPressed
from endpoints.management_console.state import Console
from endpoints.management_console.wall.actions import Arrange, Pane, Record, Snapshot, TakeDown
from endpoints.management_console.wall.events import Kept, NotKept
from endpoints.management_console.wall.state import Tile, Wall
from endpoints.screens.state import Phase, Station
from endpoints.screens.transitions import Actions, enter, say
from endpoints.screens.watching.actions import AskSources
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.sip.agent import Registered

Step = tuple[Console, Actions]
NOT_REACHABLE = "Not reachable"


# --- buttons --------------------------------------------------------------------------------------------------------


def monitor(state: Console) -> Step | None:
    """The monitor button: the wall with all of them; with each press another size."""
    if state.in_call or "monitor" not in state.rules.offers:
        return None
    wall = state.wall
    if state.phase is not Phase.WATCHING:
        opened = replace(wall, size=wall.sizes[-1], tiles={}, why="")
        return _open(enter(state, Phase.WATCHING, typed="", note="", wall=opened))
    sizes = wall.sizes
    following = sizes[(sizes.index(wall.size) + 1) % len(sizes)] if wall.size in sizes else sizes[-1]
    return replace(state, wall=replace(wall, size=following)), ()


def _open(state: Console) -> Step:
    wall = state.wall
    if wall.sources and wall.shown is None:
        wall = replace(wall, chosen=wall.sources[0].name)
    told = (Publish("watching", {"targets": [one.name for one in wall.page]}),) if wall.sources else ()
    return replace(state, wall=wall), (AskSources(state.registered_at), *told)


def key(state: Console, event: KeyPressed) -> Step:
    """A digit chooses, the same again enlarges; ``#`` turns the page, ``*`` shows all again."""
    wall = state.wall
    if event.key == "*":
        return replace(state, wall=replace(wall, size=wall.sizes[-1])), ()
    sources = wall.sources or ()
    if event.key == "#":
        first = (max(0, wall.place - 1) // wall.size + 1) * wall.size
        place = first if first < len(sources) else 0
    else:
        place = int(event.key) - 1
    if not 0 <= place < len(sources):
        return state, ()
    chosen = sources[place].name
    again = event.key != "#" and chosen == wall.chosen
    return replace(state, wall=replace(wall, chosen=chosen, size=1 if again else wall.size)), ()


def snapshot(state: Console) -> Step | None:
    """Keep the chosen one's picture."""
    wall = state.wall
    if state.phase is not Phase.WATCHING or not wall.tiles.get(wall.chosen, Tile()).live:
        return None
    return state, (Snapshot(wall.chosen),)


def record(state: Console) -> Step | None:
    """Begin to keep what the chosen one shows, or end that."""
    wall = state.wall
    if state.phase is not Phase.WATCHING:
        return None
    if wall.chosen in wall.recording:
        return state, (Record(wall.chosen, False),)
    if not wall.tiles.get(wall.chosen, Tile()).live:
        return None
    recording = wall.recording | {wall.chosen}
    facts = {"target": wall.chosen}
    return replace(state, wall=replace(wall, recording=recording)), (
        Record(wall.chosen, True),
        Publish("recording", facts),
    )


def leave(state: Console) -> tuple[Console, Actions]:
    """The red button."""
    return enter(state, Phase.IDLE), ()


# --- what happens ---------------------------------------------------------------------------------------------------


def registered(state: Station, event: Registered) -> Actions:
    """The management server knows what this console may watch."""
    return (AskSources(event.server),) if "monitor" in state.rules.offers else ()


def sources_told(state: Console, event: SourcesTold) -> Step | None:
    """The list; a wall that waits for it opens."""
    wall = state.wall
    if event.sources is None:
        return (replace(state, wall=replace(wall, why=NOT_REACHABLE)), ()) if not wall.sources else None
    why = "" if event.sources else "There is nothing to watch"
    known = replace(wall, sources=event.sources, why=why)
    if known.shown is None:
        known = replace(known, chosen=event.sources[0].name if event.sources else "")
    if not wall.sources:
        known = replace(known, size=known.sizes[-1])
    return replace(state, wall=known), ()


def live(state: Console, event: WatchLive) -> Step | None:
    """The first picture of one of them."""
    after = _tile(state, event.target, live=True, why="")
    facts = {"target": event.target, "after_ms": event.after_ms}
    return (after, (Publish("watch-picture", facts),)) if after else None


def told(state: Console, event: WatchTold) -> Step | None:
    """Viewers and lateness of one of them, lateness in tenths of a second."""
    after = _tile(state, event.target, viewers=event.viewers, late_ms=math.ceil(event.late_ms / 100) * 100)
    return (after, ()) if after else None


def over(state: Console, event: WatchOver) -> Step | None:
    """One of them ended; it is tried again."""
    after = _tile(state, event.target, live=False, why=event.why)
    return (after, (Publish("watched", {"target": event.target, "why": event.why}),)) if after else None


def _tile(state: Console, target: str, **changes: Any) -> Console | None:
    wall = state.wall
    if state.phase is not Phase.WATCHING or not any(one.name == target for one in wall.page):
        return None
    tile = replace(wall.tiles.get(target, Tile()), **changes)
    return replace(state, wall=replace(wall, tiles={**wall.tiles, target: tile}))


def kept(state: Console, event: Kept) -> Step:
    """It is in the console's folder."""
    after, actions = _ended(state, event.target, event.what, f"Kept: {event.file}")
    facts = {"target": event.target, "what": event.what, "file": event.file}
    return after, (Publish("kept", facts), *actions)


def not_kept(state: Console, event: NotKept) -> Step:
    """The disk is full, or what came cannot be kept."""
    return _ended(state, event.target, event.what, f"Not kept: {event.why}")


def _ended(state: Console, target: str, what: str, words: str) -> Step:
    wall = state.wall
    if what == "recording":
        state = replace(state, wall=replace(wall, recording=wall.recording - {target}))
    return say(state, words) if state.phase is Phase.WATCHING else (state, ())


# --- what follows from any of it ------------------------------------------------------------------------------------


def arranged(state: Station) -> Arrange | None:
    """What belongs on the wall in this state; None without a wall."""
    if not isinstance(state, Console) or state.phase is not Phase.WATCHING or not state.wall.sources:
        return None
    wall = state.wall
    panes = (Pane(one.name, words_of(wall, one.name), one.name == wall.chosen) for one in wall.page)
    return Arrange(math.isqrt(wall.size), tuple(panes))


def words_of(wall: Wall, name: str) -> str:
    """The words below a tile: which one, how it goes."""
    source = next(one for one in wall.sources or () if one.name == name)
    tile = wall.tiles.get(name, Tile())
    number = next(place for place, one in enumerate(wall.sources or (), 1) if one.name == name)
    recording = "REC" if name in wall.recording else ""
    if not tile.live:
        words = [tile.why or "Connecting", recording]
    else:
        viewers = f"{tile.viewers} watching" if tile.viewers else ""
        words = [recording, viewers, f"{tile.late_ms / 1000:.1f} s behind"]
    return f"{number}  {source.words}: {', '.join(word for word in words if word)}"


def changes(before: Station, after: Station) -> tuple[Actions, Actions]:
    """What is to be done before anything else (a call has the screen at once), and after the new scene is there."""
    wanted, had = arranged(after), arranged(before)
    if wanted is None and had is not None:
        return (TakeDown(),), ()
    return (), ((wanted,) if wanted is not None and wanted != had else ())
