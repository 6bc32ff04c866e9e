"""What our devices say in words: small Opus files in a folder for each language, decoded when they are needed.

`media/prompts/make.py` makes the files from `texts.py`; numbers are spoken digit by digit.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hal.microphone import SAMPLE_RATE
from media.errors import MediaError
from media.tones import FRAME_BYTES, Sound

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")
_GAP = bytes(2 * round(0.12 * SAMPLE_RATE))
"""Silence between two prompts."""
_BETWEEN = bytes(2 * round(0.4 * SAMPLE_RATE))
"""Silence between two languages."""


class PromptMissing(MediaError, LookupError):
    """There is no such prompt; the text names it."""


def speech(language: str, words: Sequence[str], pause: float = 0.0) -> Sound:
    """These prompts one after the other, once, or on and on with `pause` seconds between. Raises PromptMissing."""
    return spoken((language,), words, pause)


def spoken(languages: Sequence[str], words: Sequence[str], pause: float = 0.0) -> Sound:
    """The same in each of these languages in turn. Raises PromptMissing."""
    said = (_GAP.join(_prompt(language, name) for name in words) for language in languages)
    samples = _BETWEEN.join(said) + bytes(2 * round(pause * SAMPLE_RATE))
    return Sound(samples.ljust(-(-len(samples) // FRAME_BYTES) * FRAME_BYTES, b"\0"), repeats=pause > 0)


@cache
def _prompt(language: str, name: str) -> bytes:
    """s16le mono at 16 kHz."""
    path = FOLDER / language / f"{name}.opus"
    if language not in LANGUAGES or not path.is_file():
        raise PromptMissing(f"there is no prompt {name!r} in language {language!r}")
    import av
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as file:
        frames = [made for frame in file.decode(audio=0) for made in resampler.resample(frame)]
    frames += resampler.resample(None)
    return b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)
