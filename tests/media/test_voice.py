"""The voice path of a call: frames in and out, mute, tones, and devices that go away in the middle."""

import threading
import time
from array import array

import pytest

from hal.errors import HalError
from hal.mock.sound import MockMicrophone, MockSpeaker
from hal.recovery import SteadySpeaker
from media.tones import FRAME_BYTES, Sound, Tone, mix, render
from media.voice import SILENCE, Voice

WORDS = array("h", range(-1600, 1600, 10)).tobytes()
OTHER = array("h", [500] * 320).tobytes()
LIMIT = 20.0


@pytest.fixture
def microphone() -> MockMicrophone:
    return MockMicrophone()


@pytest.fixture
def speaker() -> MockSpeaker:
    return MockSpeaker()


@pytest.fixture
def voice(microphone: MockMicrophone, speaker: MockSpeaker) -> Voice:
    """A started voice path without processing."""
    path = Voice(microphone, speaker, processing=False)
    path.start()
    return path


def test_in_a_call_the_microphone_is_heard_there_and_the_other_side_here(
    voice: Voice, microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    microphone.say(WORDS)
    voice.play(OTHER)
    assert voice.capture() == WORDS
    assert bytes(speaker.heard) == OTHER
    assert voice.capture() == SILENCE


def test_before_and_after_a_call_nothing_is_recorded_or_played(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    voice = Voice(microphone, speaker, processing=False)
    voice.play(OTHER)
    assert voice.capture() == SILENCE
    voice.start()
    assert microphone.running
    voice.stop()
    assert not microphone.running
    assert not speaker.running
    voice.play(OTHER)
    assert voice.capture() == SILENCE
    assert bytes(speaker.heard) == b""


def test_muted_the_other_side_hears_silence_and_is_still_heard(
    voice: Voice, microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    voice.mute(True)
    microphone.say(WORDS)
    voice.play(OTHER)
    assert voice.capture() == SILENCE
    assert bytes(speaker.heard) == OTHER
    voice.mute(False)
    microphone.say(WORDS)
    assert voice.capture() == WORDS


def test_a_new_call_is_not_muted(voice: Voice) -> None:
    voice.mute(True)
    voice.stop()
    voice.start()
    assert not voice.muted


def test_without_processing_no_frame_is_copied(microphone: MockMicrophone, speaker: MockSpeaker) -> None:
    class SameFrame(MockMicrophone):
        def read(self, samples: int) -> bytes:
            return WORDS

    voice = Voice(SameFrame(), speaker, processing=False)
    voice.start()
    assert voice.capture() is WORDS


@pytest.mark.parametrize("length", [0, 1, 2, 639, 641, 1280])
def test_a_frame_of_a_wrong_length_becomes_one_of_20_milliseconds(
    voice: Voice, speaker: MockSpeaker, length: int
) -> None:
    voice.play(bytes(length))
    assert len(speaker.heard) == FRAME_BYTES


class TellingSpeaker(MockSpeaker):
    """Tells when it has been written to."""

    def __init__(self) -> None:
        super().__init__()
        self.sounds = threading.Event()

    def write(self, sound: bytes) -> None:
        super().write(sound)
        self.sounds.set()


@pytest.mark.parametrize("processing", [False, True])
def test_a_microphone_that_goes_away_is_told_once_and_silence_goes_on(
    microphone: MockMicrophone, speaker: MockSpeaker, processing: bool
) -> None:
    told: list[tuple[str, HalError | None]] = []
    voice = Voice(microphone, speaker, processing, on_lost=lambda name, error: told.append((name, error)))
    voice.prepare()
    voice.start()
    microphone.unplug()
    frames = [voice.capture() for _ in range(5)]
    voice.play(OTHER)
    voice.close()
    assert [len(frame) for frame in frames] == [FRAME_BYTES] * 5
    assert [name for name, _ in told] == ["microphone"]
    assert bytes(speaker.heard) == OTHER


def test_a_speaker_that_goes_away_is_told_once_and_used_again_in_the_next_call(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    told: list[tuple[str, str]] = []
    voice = Voice(microphone, speaker, processing=False, on_lost=lambda name, error: told.append((name, str(error))))
    voice.start()
    speaker.unplug()
    voice.play(OTHER)
    voice.play(OTHER)
    assert told == [("speaker", "The fake speaker was unplugged.")]
    voice.stop()
    speaker.plug()
    voice.start()
    voice.play(WORDS)
    assert bytes(speaker.heard) == WORDS
    assert len(told) == 1


def test_devices_that_are_missing_when_the_call_begins_are_told_and_the_call_goes_on(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    told: list[str] = []
    microphone.unplug()
    speaker.unplug()
    voice = Voice(microphone, speaker, processing=False, on_lost=lambda name, _: told.append(name))
    voice.start()
    voice.play(OTHER)
    assert voice.capture() == SILENCE
    assert sorted(told) == ["microphone", "speaker"]


def test_with_steady_devices_the_speaker_is_heard_again_in_the_same_call(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    back = threading.Event()

    def report(name: str, error: HalError | None) -> None:
        if error is None:
            back.set()

    voice = Voice(microphone, SteadySpeaker(lambda: speaker, report), processing=False)
    voice.start()
    speaker.unplug()
    voice.play(OTHER)
    speaker.plug()
    limit = time.monotonic() + LIMIT
    while not back.wait(0.02) and time.monotonic() < limit:
        voice.play(OTHER)
    speaker.heard.clear()
    voice.play(WORDS)
    voice.close()
    assert bytes(speaker.heard) == WORDS


def test_a_tone_between_calls_sounds_and_ends_when_the_call_begins(
    microphone: MockMicrophone,
) -> None:
    speaker = TellingSpeaker()
    voice = Voice(microphone, speaker, processing=False)
    voice.tone("ring")
    assert speaker.sounds.wait(LIMIT)
    assert not microphone.running
    voice.start()
    written = len(speaker.heard)
    assert render(Tone.RING).samples.startswith(bytes(speaker.heard[:FRAME_BYTES]))
    voice.play(OTHER)
    assert bytes(speaker.heard[written:]) == OTHER
    assert speaker.running
    voice.close()
    assert not speaker.running


def test_a_tone_in_a_call_is_mixed_into_what_is_heard_until_it_ends(voice: Voice, speaker: MockSpeaker) -> None:
    voice.tone("confirm")
    sound = render(Tone.CONFIRM)
    count = len(sound.samples) // FRAME_BYTES
    for _ in range(count + 2):
        voice.play(OTHER)
    expected = mix(OTHER * count, sound.samples) + OTHER * 2
    assert bytes(speaker.heard) == expected


def test_a_tone_can_be_silenced_in_a_call_and_between_calls(voice: Voice, speaker: MockSpeaker) -> None:
    voice.tone("alarm")
    voice.tone(None)
    voice.play(OTHER)
    assert bytes(speaker.heard) == OTHER
    voice.stop()
    voice.tone("dial")
    voice.tone(None)
    voice.close()
    assert not speaker.running
    assert len(speaker.heard) < 50 * FRAME_BYTES


def test_a_tone_begun_in_a_call_sounds_on_when_the_call_is_over(microphone: MockMicrophone) -> None:
    speaker = TellingSpeaker()
    voice = Voice(microphone, speaker, processing=False)
    voice.start()
    voice.tone("busy")
    voice.play(SILENCE)
    speaker.sounds.clear()
    voice.stop()
    assert speaker.sounds.wait(LIMIT)
    voice.close()
    assert render(Tone.BUSY).samples.startswith(bytes(speaker.heard[: 3 * FRAME_BYTES]))


def test_the_end_of_a_call_does_not_end_a_tone_that_was_begun_after_it(microphone: MockMicrophone) -> None:
    speaker = TellingSpeaker()
    voice = Voice(microphone, speaker, processing=False)
    voice.start()
    voice.stop()
    voice.tone("busy")
    assert speaker.sounds.wait(LIMIT)
    voice.stop()
    speaker.sounds.clear()
    assert speaker.sounds.wait(LIMIT)
    voice.close()
    assert not speaker.running


def test_an_announcement_is_heard_there_instead_of_the_microphone_and_our_side_hears_nothing_of_it(
    voice: Voice, microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    microphone.say(WORDS * 3)
    voice.announce(Sound(OTHER * 2, repeats=False))
    voice.play(WORDS)
    assert [voice.capture() for _ in range(3)] == [OTHER, OTHER, WORDS]
    assert bytes(speaker.heard) == WORDS


def test_before_a_conversation_begins_only_the_announcement_is_heard_there_and_nothing_here(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    voice = Voice(microphone, speaker, processing=False)
    voice.announce(Sound(OTHER + SILENCE, repeats=True))
    voice.play(WORDS)
    assert [voice.capture() for _ in range(3)] == [OTHER, SILENCE, OTHER]
    assert not microphone.running
    assert bytes(speaker.heard) == b""
    voice.start()
    microphone.say(WORDS)
    assert voice.capture() == WORDS


def test_an_announcement_ends_with_the_call_or_when_it_is_taken_back(voice: Voice) -> None:
    voice.announce(Sound(OTHER, repeats=True))
    voice.announce(None)
    assert voice.capture() == SILENCE
    voice.stop()
    voice.announce(Sound(OTHER, repeats=True))
    assert voice.capture() == OTHER
    voice.stop()
    assert voice.capture() == SILENCE


def test_words_in_a_call_are_mixed_into_what_is_heard(voice: Voice, speaker: MockSpeaker) -> None:
    voice.say(Sound(WORDS, repeats=False))
    voice.play(OTHER)
    voice.play(OTHER)
    assert bytes(speaker.heard) == mix(OTHER, WORDS) + OTHER


def test_an_unknown_tone_is_refused(voice: Voice) -> None:
    with pytest.raises(ValueError, match="fanfare"):
        voice.tone("fanfare")


def test_levels_tell_how_loud_both_sides_are(voice: Voice, microphone: MockMicrophone) -> None:
    assert voice.levels() == (-96.0, -96.0)
    microphone.say(array("h", [3277] * 320).tobytes())
    voice.capture()
    voice.play(array("h", [328] * 320).tobytes())
    sent, played = voice.levels()
    assert sent == pytest.approx(-20, abs=0.1)
    assert played == pytest.approx(-40, abs=0.1)


def test_a_call_that_begins_before_the_processing_is_loaded_has_sound_at_once(
    microphone: MockMicrophone, speaker: MockSpeaker
) -> None:
    voice = Voice(microphone, speaker)
    voice.start()
    microphone.say(WORDS)
    assert len(voice.capture()) == FRAME_BYTES
    voice.play(OTHER)
    assert bytes(speaker.heard) == OTHER
    voice.prepare()
    voice.close()


def test_the_end_of_the_words_in_a_call_is_told_unless_something_else_sounds_before(voice: Voice) -> None:
    over: list[str] = []
    voice.say(Sound(OTHER, repeats=False), lambda: over.append("first"))
    voice.play(SILENCE)
    assert over == []
    voice.play(SILENCE)
    assert over == ["first"]
    voice.say(Sound(OTHER, repeats=False), lambda: over.append("second"))
    voice.tone("beep")
    voice.play(SILENCE)
    voice.play(SILENCE)
    assert over == ["first"]


def test_two_media_threads_that_meet_for_a_moment_do_not_share_a_frame(microphone: MockMicrophone) -> None:
    inside, go = threading.Event(), threading.Event()

    class Slow(MockMicrophone):
        def read(self, samples: int) -> bytes:
            inside.set()
            go.wait(LIMIT)
            return WORDS

    voice = Voice(Slow(), MockSpeaker(), processing=False)
    voice.start()
    heard: list[bytes] = []
    first = threading.Thread(target=lambda: heard.append(voice.capture()))
    first.start()
    assert inside.wait(LIMIT)
    assert voice.capture() == SILENCE
    go.set()
    first.join(LIMIT)
    assert heard == [WORDS]
