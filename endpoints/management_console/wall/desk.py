"""The wall at work: a viewer and a decoder for each tile, and one thread that puts their pictures together."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endpoints.management_console.wall import actions as do
from endpoints.management_console.wall.events import NotKept
from endpoints.management_console.wall.tile import Tell, WallTile
from endpoints.screens.stage import Stage
from endpoints.screens.watching.actions import AskSources
from endpoints.screens.watching.asking import Asking
from endpoints.service import Service

if TYPE_CHECKING:
    from media.mosaic import Mosaic

WIDTH, HEIGHT, STRIP = 960, 720, 24
"""Pixels of the whole wall, and of the words below each picture."""
PERIOD = 1 / 12
"""Seconds between two pictures of the whole wall, at least."""
_PATIENCE = 5.0
"""Seconds for leases to be given back when the console is switched off."""


class WallDesk:
    """One for each console; all on the app's thread but `_paint`."""

    def __init__(self, services: Mapping[str, Service], stage: Stage, folder: Path, tell: Tell) -> None:
        """`folder` is where pictures and films are kept."""
        self._asking = Asking(services, tell)
        self._stage, self._folder, self._tell = stage, folder, tell
        self._tiles: dict[str, WallTile] = {}
        self._left: list[WallTile] = []
        """Taken down, but perhaps still giving a lease back."""
        self._painter: _Painter | None = None

    def doers(self) -> Mapping[type, Callable[[Any], None]]:
        """How each action is done."""
        return {
            AskSources: lambda action: self._asking.ask(action.server),
            do.Arrange: self._arrange,
            do.TakeDown: lambda action: self._take_down(),
            do.Snapshot: self._snapshot,
            do.Record: self._record,
        }

    def close(self) -> None:
        """No wall any more, and all leases given back; twice does no harm."""
        self._take_down()
        for tile in self._left:
            tile.join(_PATIENCE)
        self._asking.close()

    def _arrange(self, action: do.Arrange) -> None:
        if self._painter is None:
            self._painter = _Painter(self._stage)
        wanted = {pane.name for pane in action.panes}
        for name in [name for name in self._tiles if name not in wanted]:
            self._leave(self._tiles.pop(name))
        for pane in action.panes:
            if pane.name not in self._tiles:
                self._tiles[pane.name] = self._begun(pane.name, self._painter.wake)
        self._painter.arrange(action, dict(self._tiles))

    def _begun(self, name: str, wake: Callable[[], None]) -> WallTile:
        tile = WallTile(self._asking.service, name, self._folder, self._tell, wake)
        tile.start()
        return tile

    def _leave(self, tile: WallTile) -> None:
        tile.stop()
        self._left = [one for one in self._left if one.alive] + [tile]

    def _take_down(self) -> None:
        if self._painter is not None:
            self._painter.stop()
            self._painter = None
        self._stage.take()
        while self._tiles:
            self._leave(self._tiles.popitem()[1])

    def _snapshot(self, action: do.Snapshot) -> None:
        tile = self._tiles.get(action.target)
        if tile is None or not tile.snapshot():
            self._tell(NotKept(action.target, "snapshot", "there is no picture"))

    def _record(self, action: do.Record) -> None:
        tile = self._tiles.get(action.target)
        if tile is None:
            self._tell(NotKept(action.target, "recording", "there is no picture"))
        else:
            tile.record(action.on)


class _Painter:
    """Puts the tiles' latest pictures together, on a thread of its own, when one of them is new."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._turn = stage, stage.take()
        self._changed = threading.Condition()
        self._plan: tuple[do.Arrange, dict[str, WallTile]] | None = None
        self._dirty = self._stopped = False
        self._thread = threading.Thread(target=self._run, name="wall", daemon=True)
        self._thread.start()

    def arrange(self, plan: do.Arrange, tiles: dict[str, WallTile]) -> None:
        """Have these from now on."""
        with self._changed:
            self._plan, self._dirty = (plan, tiles), True
            self._changed.notify()

    def wake(self) -> None:
        """One of them has a new picture. From any thread."""
        with self._changed:
            self._dirty = True
            self._changed.notify()

    def stop(self) -> None:
        """Paint no more; does not wait."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        from media.mosaic import Mosaic

        mosaic: Mosaic | None = None
        painted: do.Arrange | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or (self._dirty and self._plan is not None))
                if self._stopped or self._plan is None:
                    return
                self._dirty = False
                plan, tiles = self._plan
            if mosaic is None or painted is None or plan.side != painted.side or len(plan.panes) != len(painted.panes):
                mosaic, painted = Mosaic(WIDTH, HEIGHT, plan.side, STRIP), None
            began = time.monotonic()
            self._paint(mosaic, plan, tiles, all_of_it=plan != painted)
            painted = plan
            self._stage.show(self._turn, mosaic.picture(began))
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, began + PERIOD - time.monotonic())

    def _paint(self, mosaic: "Mosaic", plan: do.Arrange, tiles: dict[str, WallTile], all_of_it: bool) -> None:
        from hal.drawing import caption, no_picture

        for number, pane in enumerate(plan.panes):
            picture, new = tiles[pane.name].latest()
            if new or all_of_it:
                mosaic.show(number, picture or no_picture(mosaic.tile[0], mosaic.tile[1] - STRIP, ""))
                mosaic.words(number, caption(*mosaic.strip, pane.words), pane.chosen)
