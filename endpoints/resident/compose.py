"""An indoor unit or a phone: they differ by their board only."""

from endpoints.composition import Frame
from endpoints.screens.app import ScreenApp
from endpoints.screens.compose import compose_screen
from endpoints.screens.decisions import RESIDENT


def compose(frame: Frame) -> ScreenApp:
    """The resident's device of these files, at work as soon as the loop runs. Raises IntercomError."""
    return compose_screen(frame, RESIDENT)
