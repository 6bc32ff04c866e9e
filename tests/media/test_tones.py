"""The tones: their cadence, their pitch, and a player that sounds only while it is asked to."""

import threading
import time
from array import array

import numpy as np
import pytest

from media.tones import FRAME_BYTES, Sound, Tone, TonePlayer, mix, render

LIMIT = 20.0


def _samples(tone: Tone) -> np.ndarray:
    return np.frombuffer(render(tone).samples, np.int16).astype(float)


def _sounding(tone: Tone) -> list[bool]:
    """For each 20 ms whether something is to be heard."""
    return [bool(np.abs(frame).max() > 500) for frame in _samples(tone).reshape(-1, FRAME_BYTES // 2)]


class Loudspeaker:
    """Takes what a tone player does, and tells when it has done enough."""

    def __init__(self, enough: int) -> None:
        self.did: list[str] = []
        self.frames: list[bytes] = []
        self.has_enough, self.is_off = threading.Event(), threading.Event()
        self._enough = enough

    def begin(self) -> None:
        self.did.append("on")

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        if len(self.frames) == self._enough:
            self.has_enough.set()

    def end(self) -> None:
        self.did.append("off")
        self.is_off.set()


def _player(enough: int = 5) -> tuple[TonePlayer, Loudspeaker]:
    loudspeaker = Loudspeaker(enough)
    return TonePlayer(loudspeaker.begin, loudspeaker.write, loudspeaker.end), loudspeaker


@pytest.mark.parametrize("tone", Tone)
def test_every_tone_is_audible_whole_frames_and_far_from_clipping(tone: Tone) -> None:
    samples = _samples(tone)
    assert len(render(tone).samples) % FRAME_BYTES == 0
    assert 3000 < np.abs(samples).max() < 0.7 * 32768


@pytest.mark.parametrize("tone", Tone)
def test_no_tone_clicks_at_its_beginning_its_end_or_where_it_repeats(tone: Tone) -> None:
    samples = _samples(tone)
    around = np.concatenate([[0.0], samples, samples if render(tone).repeats else [0.0]])
    steepest = 2 * np.pi * 2000 / 16000 * np.abs(samples).max()
    assert np.abs(np.diff(around)).max() < steepest


@pytest.mark.parametrize(
    ("tone", "on", "off"), [(Tone.RINGBACK, 1.0, 4.0), (Tone.BUSY, 0.5, 0.5), (Tone.REORDER, 0.24, 0.24)]
)
def test_progress_tones_have_the_cadence_and_pitch_of_e180(tone: Tone, on: float, off: float) -> None:
    sounding = _sounding(tone)
    assert sum(sounding) * 0.02 == pytest.approx(on, abs=0.03)
    assert len(sounding) * 0.02 == pytest.approx(on + off)
    spectrum = np.abs(np.fft.rfft(_samples(tone)))
    assert np.argmax(spectrum) / (on + off) == pytest.approx(425, abs=5)


def test_the_dial_tone_goes_on_without_a_break() -> None:
    assert all(_sounding(Tone.DIAL))


def test_a_ring_is_a_chime_that_falls_from_one_note_to_another_and_then_is_silent() -> None:
    samples = _samples(Tone.RING)
    first, second = (np.argmax(np.abs(np.fft.rfft(part, 16000))) for part in (samples[:8000], samples[12000:20000]))
    assert first == pytest.approx(659, abs=3)
    assert second == pytest.approx(523, abs=3)
    assert not any(_sounding(Tone.RING)[-100:])


def test_a_tone_that_repeats_begins_again_and_one_that_does_not_is_over() -> None:
    busy, beep = render(Tone.BUSY), render(Tone.BEEP)
    assert busy.frame(50) == busy.frame(0)
    assert beep.frame(0) is not None
    assert beep.frame(len(beep.samples) // FRAME_BYTES) is None


def test_mixing_limits_to_full_scale() -> None:
    loud, other = array("h", [30000, -30000, 5]).tobytes(), array("h", [30000, -30000, -7]).tobytes()
    assert array("h", mix(loud, other)) == array("h", [32767, -32768, -2])


def test_a_repeating_tone_sounds_until_it_is_stopped() -> None:
    player, loudspeaker = _player(enough=60)
    player.play(render(Tone.BUSY))
    assert loudspeaker.has_enough.wait(LIMIT)
    assert loudspeaker.did == ["on"]
    player.stop()
    assert loudspeaker.did == ["on", "off"]
    written = len(loudspeaker.frames)
    player.stop()
    assert len(loudspeaker.frames) == written


def test_a_tone_is_not_written_much_faster_than_it_is_heard() -> None:
    player, loudspeaker = _player(enough=20)
    begin = time.monotonic()
    player.play(render(Tone.DIAL))
    assert loudspeaker.has_enough.wait(LIMIT)
    assert time.monotonic() - begin > 0.3
    player.stop()


def test_a_short_tone_ends_by_itself_and_switches_the_loudspeaker_off() -> None:
    player, loudspeaker = _player()
    player.play(render(Tone.BEEP))
    assert loudspeaker.is_off.wait(LIMIT)
    assert b"".join(loudspeaker.frames) == render(Tone.BEEP).samples


def test_another_tone_takes_the_place_of_the_first_while_the_loudspeaker_stays_on() -> None:
    player, loudspeaker = _player(enough=30)
    player.play(render(Tone.DIAL))
    player.play(render(Tone.BEEP))
    assert loudspeaker.is_off.wait(LIMIT)
    assert loudspeaker.did == ["on", "off"]
    assert b"".join(loudspeaker.frames).endswith(render(Tone.BEEP).samples)


def test_a_tone_can_end_and_leave_the_loudspeaker_on_for_a_call() -> None:
    player, loudspeaker = _player()
    player.play(render(Tone.RING))
    assert loudspeaker.has_enough.wait(LIMIT)
    player.stop(keep_on=True)
    assert loudspeaker.did == ["on"]


def test_a_tone_begins_where_it_is_told_to() -> None:
    player, loudspeaker = _player()
    player.play(render(Tone.BEEP), 3)
    assert loudspeaker.is_off.wait(LIMIT)
    assert b"".join(loudspeaker.frames) == render(Tone.BEEP).samples[3 * FRAME_BYTES :]


def test_a_tone_that_comes_while_the_loudspeaker_goes_off_is_played() -> None:
    loudspeaker = Loudspeaker(enough=5)

    def end() -> None:
        if loudspeaker.did == ["on"]:
            loudspeaker.did.append("off")
            player.play(render(Tone.BEEP))
        else:
            loudspeaker.end()

    player = TonePlayer(loudspeaker.begin, loudspeaker.write, end)
    player.play(render(Tone.DIAL))
    assert loudspeaker.has_enough.wait(LIMIT)
    player.silence()
    assert loudspeaker.is_off.wait(LIMIT)
    assert loudspeaker.did == ["on", "off", "on", "off"]
    assert b"".join(loudspeaker.frames).endswith(render(Tone.BEEP).samples)


WORDS = Sound(b"\1\2" * (3 * FRAME_BYTES // 2), repeats=False)


def test_a_tone_waits_until_the_words_are_said() -> None:
    player, loudspeaker = _player(enough=6)
    player.say(WORDS)
    player.play(render(Tone.BUSY))
    assert loudspeaker.has_enough.wait(LIMIT)
    player.stop()
    assert b"".join(loudspeaker.frames).startswith(WORDS.samples + render(Tone.BUSY).samples[: 3 * FRAME_BYTES])


def test_silence_lets_the_words_end_and_a_short_tone_does_not() -> None:
    player, loudspeaker = _player()
    player.play(render(Tone.DIAL))
    player.say(WORDS)
    player.silence()
    assert loudspeaker.is_off.wait(LIMIT)
    assert b"".join(loudspeaker.frames).endswith(WORDS.samples)
    long = Sound(WORDS.samples * 1000, repeats=False)
    player.say(long)
    player.play(render(Tone.BEEP))
    loudspeaker.is_off.clear()
    assert loudspeaker.is_off.wait(LIMIT)
    assert b"".join(loudspeaker.frames).endswith(render(Tone.BEEP).samples)


def test_words_interrupt_a_tone_that_goes_on_afterwards() -> None:
    player, loudspeaker = _player(enough=8)
    player.play(render(Tone.DIAL))
    player.say(WORDS)
    assert loudspeaker.has_enough.wait(LIMIT)
    player.stop()
    sounded = b"".join(loudspeaker.frames)
    assert WORDS.samples in sounded
    assert not sounded.endswith(WORDS.samples)
