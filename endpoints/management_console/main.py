"""`intercom management-console`: the guard's desk unit, or the same as a program on a desktop."""

from endpoints.composition import Frame, run_endpoint
from endpoints.management_console.decisions import CONSOLE
from endpoints.management_console.state import Console
from endpoints.management_console.wall.desk import WallDesk
from endpoints.screens.app import ScreenApp
from endpoints.screens.compose import Doers, Extras, Services, compose_screen
from endpoints.screens.events import Button
from endpoints.screens.stage import Stage
from endpoints.sound import Sound

KIND = "management-console"
KEPT_FOLDER = "kept"
"""Of pictures and films that a guard wanted to keep."""


def main(argv: list[str]) -> int:
    """Run it until it is told to stop."""
    return run_endpoint(KIND, argv, compose)


def compose(frame: Frame) -> ScreenApp:
    """The console of these files, at work as soon as the loop runs. Raises IntercomError."""
    buttons = (Button.MONITOR, Button.SNAPSHOT, Button.RECORD)
    return compose_screen(frame, CONSOLE, Extras(buttons, _extras, watch=0.0), Console)


def _extras(frame: Frame, services: Services, stage: Stage, sound: Sound) -> Doers:
    """What is done for the wall."""
    folder = frame.configuration.site.data / KEPT_FOLDER
    return frame.keep(WallDesk(services, stage, folder, frame.loop.post)).doers()
