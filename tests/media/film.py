"""Encoded pictures and a spoken tone for the tests of recordings, and a look into the films that come out."""

import io
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import av

from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE
from media.encoder import EncodedPicture
from media.frames import to_frame
from media.h264 import H264Encoder
from media.movie import MovieWriter
from media.recent import Heard
from tests.media.pictures import numbered

WIDTH, HEIGHT, RATE = 320, 240, 25
BEGAN = 5000.0
"""Of the tests' clock."""


@lru_cache(maxsize=2)
def pictures(count: int, key_every: int = RATE) -> tuple[EncodedPicture, ...]:
    """So many pictures at 25 a second, each with its number in it."""
    encoder = H264Encoder(WIDTH, HEIGHT, RATE, 300_000, "libx264")
    coded = [
        encoder.encode(to_frame(numbered(number)), 9000 + number * 3600, number % key_every == 0)[0]
        for number in range(count)
    ]
    return tuple(EncodedPicture(*one, BEGAN + number / RATE) for number, one in enumerate(coded))


def sounds(seconds: float, hertz: float = 440.0) -> Iterator[Heard]:
    """A tone as the microphone hears it."""
    for number in range(round(seconds * SAMPLE_RATE / FRAME_SAMPLES)):
        at = range(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
        samples = array("h", [round(9000 * math.sin(2 * math.pi * hertz * one / SAMPLE_RATE)) for one in at])
        yield Heard(samples.tobytes(), BEGAN + (number + 1) * FRAME_SAMPLES / SAMPLE_RATE)


@lru_cache(maxsize=4)
def fragments_of(seconds: int, hertz: float = 440.0) -> tuple[bytes, ...]:
    """A film as a door makes one, in the pieces that it writes: numbered pictures and a tone."""
    made: list[bytes] = []
    writer = MovieWriter(WIDTH, HEIGHT, RATE, made.append)
    heard = sounds(seconds, hertz)
    for picture in pictures(seconds * RATE):
        writer.picture(picture)
        writer.sound(next(heard))
        writer.sound(next(heard))
    writer.close()
    return tuple(made)


def movie(seconds: int, hertz: float = 440.0) -> bytes:
    """The same in one piece."""
    return b"".join(fragments_of(seconds, hertz))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player makes of a film."""

    pictures: int
    seconds_of_sound: float
    codecs: tuple[str, ...]


def played(film: bytes) -> Seen:
    """Every picture and all sound of `film`, decoded. Raises FFmpegError if it cannot be played."""
    with av.open(io.BytesIO(film), "r") as container:
        codecs = tuple(stream.codec_context.name for stream in container.streams)
        count, samples = 0, 0
        for frame in container.decode():
            if isinstance(frame, av.AudioFrame):
                samples += frame.samples
            else:
                count += 1
    return Seen(count, samples / SAMPLE_RATE, codecs)
