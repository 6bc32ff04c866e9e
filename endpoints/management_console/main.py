"""`intercom management-console`: the guard's desk unit, or the same as a program on a desktop."""

from endpoints.composition import Frame, run_endpoint
from endpoints.management_console.decisions import CONSOLE
from endpoints.management_console.state import Console
from endpoints.screens.app import ScreenApp
from endpoints.screens.compose import Extras, compose_screen

KIND = "management-console"


def main(argv: list[str]) -> int:
    """Run it until it is told to stop."""
    return run_endpoint(KIND, argv, compose)


def compose(frame: Frame) -> ScreenApp:
    """The console of these files, at work as soon as the loop runs. Raises IntercomError."""
    return compose_screen(frame, CONSOLE, Extras((), lambda *needs: {}), Console)
