"""An indoor unit or a phone: they differ by their board only."""

from endpoints.composition import Frame
from endpoints.resident.decisions import RESIDENT
from endpoints.screens.app import ScreenApp
from endpoints.screens.compose import Doers, Extras, Services, compose_screen
from endpoints.screens.events import Button
from endpoints.screens.messages.desk import MessageDesk
from endpoints.screens.stage import Stage
from endpoints.sound import Sound


def compose(frame: Frame) -> ScreenApp:
    """The resident's device of these files, at work as soon as the loop runs. Raises IntercomError."""
    return compose_screen(frame, RESIDENT, Extras((Button.MESSAGES, Button.PLAY, Button.DELETE), _extras))


def _extras(frame: Frame, services: Services, stage: Stage, sound: Sound) -> Doers:
    """What is done with what visitors left."""
    return frame.keep(MessageDesk(services, stage, sound, frame.loop.post)).doers()
