"""Makes the audio files of the prompts: `python -m media.prompts.make [LANGUAGE...]`, needs espeak-ng.

The result is committed, so that no device needs a speech synthesiser. Made again only to change it.
"""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from hal.microphone import SAMPLE_RATE
from media.prompts import FOLDER, LANGUAGES
from media.prompts.texts import TEXTS

VOICES = {"en": "en-gb+f3", "zh": "cmn+f3"}
WORDS_A_MINUTE = 150
BIT_RATE = 20_000
PEAK = 0.5
"""Of full scale: as loud as a voice, and room for a tone beside it."""
QUIET = 0.01
EDGE = SAMPLE_RATE // 50
"""Samples kept before the first and after the last that is not quiet."""

log = logging.getLogger("media.prompts")


def make(language: str, name: str, text: str) -> Path:
    """Write one prompt and give its path. Raises CalledProcessError if espeak-ng does not know the voice."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as spoken:
        voice = ["-v", VOICES[language], "-s", str(WORDS_A_MINUTE)]
        subprocess.run(["espeak-ng", *voice, "-w", spoken.name, text], check=True)
        samples = _trimmed(_read(spoken.name))
    path = FOLDER / language / f"{name}.opus"
    path.parent.mkdir(exist_ok=True)
    _write(path, (samples * PEAK / np.abs(samples).max() * 32767).astype(np.int16))
    return path


def _read(path: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(path) as file:
        frames = [made for frame in file.decode(audio=0) for made in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float64)


def _trimmed(
    samples: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    return samples[max(0, loud[0] - EDGE) : loud[-1] + EDGE]


def _write(path: Path, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> None:
    with av.open(str(path), "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options={"application": "voip"})
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def main(languages: list[str]) -> int:
    """Make every prompt of these languages, or of all."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for language in languages or LANGUAGES:
        for name, text in TEXTS[language].items():
            path = make(language, name, text)
            log.info("%s: %d bytes, %r", path.relative_to(FOLDER), path.stat().st_size, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
