"""An indoor unit or a phone: they differ by their board only."""

from endpoints.composition import Frame
from endpoints.resident.decisions import RESIDENT
from endpoints.screens.app import ScreenApp
from endpoints.screens.compose import Doers, Extras, Services, compose_screen
from endpoints.screens.events import Button
from endpoints.screens.messages.desk import MessageDesk
from endpoints.screens.stage import Stage
from endpoints.screens.watching.desk import WatchDesk
from endpoints.sound import Sound


def compose(frame: Frame) -> ScreenApp:
    """The resident's device of these files, at work as soon as the loop runs. Raises IntercomError."""
    buttons = (Button.MESSAGES, Button.PLAY, Button.DELETE, Button.MONITOR)
    return compose_screen(frame, RESIDENT, Extras(buttons, _extras))


def _extras(frame: Frame, services: Services, stage: Stage, sound: Sound) -> Doers:
    """What is done with what visitors left, and to watch."""
    post = frame.loop.post
    messages = frame.keep(MessageDesk(services, stage, sound, post))
    watching = frame.keep(WatchDesk(services, stage, post))
    return {**messages.doers(), **watching.doers()}
