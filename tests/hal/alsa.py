"""A sound card made of two files, by ALSA's own file device, so that PortAudio itself runs where there is no card.

It keeps no time: it plays and records as fast as the program can.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sounddevice as sd

_CONFIGURATION = """
pcm.nowhere {{ type null }}
pcm.files {{ type file slave.pcm "nowhere" file "{folder}/played.raw" infile "{folder}/heard.raw" format "raw" }}
pcm.!default {{ type plug slave.pcm "files" }}
"""


@contextmanager
def sound_card_of_files(folder: Path, heard: bytes) -> Iterator[Path]:
    """PortAudio's default device records `heard` and plays into the file that is given."""
    (folder / "heard.raw").write_bytes(heard)
    (folder / "asound.conf").write_text(_CONFIGURATION.format(folder=folder))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ALSA_CONFIG_PATH", str(folder / "asound.conf"))
        look_anew()
        yield folder / "played.raw"
    look_anew()


def look_anew() -> None:
    """Let PortAudio look for sound cards again."""
    sd._terminate()
    sd._initialize()


def has_sound_card() -> bool:
    """Whether this machine has a sound card of its own."""
    return len(sd.query_devices()) > 0
