"""What stands before the simulated door: a visitor on film or the machine's webcam, and everybody's words."""

import wave
from pathlib import Path

FOLDER = Path(__file__).parent
VISITOR = "visitor.mp4"
SPEAKERS = ("visitor", "message", "indoor1", "indoor2", "phone", "telephone", "voicemail")
"""Who has something to say."""


def speech(name: str) -> bytes:
    """What `name` says: s16le mono at 16 kHz. Raises ValueError for a name that says nothing."""
    if name not in SPEAKERS:
        raise ValueError(f"nobody called {name!r} speaks; known are {', '.join(SPEAKERS)}")
    with wave.open(str(FOLDER / f"{name}.wav")) as file:
        return bytes(file.readframes(file.getnframes()))
