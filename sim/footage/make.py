"""Makes the visitor's clip and everybody's words: `python -m sim.footage.make`.

The result is committed, so that the simulator needs neither espeak-ng nor scikit-image. Made again only to change it.
"""

import argparse
import logging
import subprocess
import tempfile
import wave
from pathlib import Path

import av
from av.audio.resampler import AudioResampler

from sim.footage import FOLDER, VISITOR
from sim.footage.scene import HEIGHT, WIDTH, compose, entrance, person, pose

SECONDS = 8
RATE = 25
SAMPLE_RATE = 16_000

log = logging.getLogger("sim.footage")

WORDS = {
    "visitor": ("en-gb", "Good evening. I have a parcel for flat three zero one. Could you open the door, please?"),
    "message": ("en-gb", "Parcel service. Your parcel is with flat three zero two."),
    "indoor1": ("en-us+f3", "Hello! One moment please, I will open the door for you."),
    "indoor2": ("en-gb-scotland+m3", "Good evening. Yes, that is for us. Please come in."),
    "telephone": ("en-us+m1", "Hello? One moment, I will open the door from here."),
    "voicemail": ("en-us+f4", "You have reached the voicemail of Family Chen. Please leave a message."),
    "phone": ("en-us+f5", "Hi, I am not at home. Please leave it in the hall. Thank you!"),
}
"""Who says what: a voice of espeak-ng, and the sentence."""


def make_clip(path: Path) -> None:
    """Write the visitor as H.264 in MP4, without B-frames, so that a picture comes out for each packet that goes in."""
    background, visitor = entrance(), person()
    with av.open(str(path), "w", options={"movflags": "faststart"}) as clip:
        stream = clip.add_stream("libx264", rate=RATE, options={"crf": "24", "preset": "veryslow", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(SECONDS * RATE):
            pixels = compose(background, visitor, pose(number / RATE, SECONDS))
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        clip.mux(stream.encode(None))


def make_speech(path: Path, voice: str, words: str) -> None:
    """Write `words` as 16 kHz mono WAV, spoken by espeak-ng."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as spoken:
        subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-g", "2", "-w", spoken.name, words], check=True)
        samples = _resampled(spoken.name)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples)


def _resampled(path: str) -> bytes:
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(path) as file:
        frames = [*file.decode(audio=0), None]
        parts = [part for frame in frames for part in resampler.resample(frame)]
    return b"".join(bytes(part.planes[0])[: 2 * part.samples] for part in parts)


def main() -> int:
    """Make all assets, into this package's folder or another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name, (voice, words) in WORDS.items():
        make_speech(folder / f"{name}.wav", voice, words)
        log.info("%s.wav: %s", name, words)
    make_clip(folder / VISITOR)
    log.info("%s: %d bytes", VISITOR, (folder / VISITOR).stat().st_size)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
