"""Fakes of every ability, for tests and for trying a program without a board.

Each has the ability's own methods, handles for the test ("what the person does", "what came out"), and checks what it
is given. They must be asked for by name, as every backend.
"""

from hal.mock.camera import MockCamera, grey
from hal.mock.door import MockButton, MockContact, MockIndicator, MockKeypad, MockRelay
from hal.mock.screen import MockDisplay, MockServicePort
from hal.mock.sound import MockMicrophone, MockSpeaker

__all__ = [
    "MockButton",
    "MockCamera",
    "MockContact",
    "MockDisplay",
    "MockIndicator",
    "MockKeypad",
    "MockMicrophone",
    "MockRelay",
    "MockServicePort",
    "MockSpeaker",
    "grey",
]
