"""A visitor who is asked for a message hears the tone, speaks after it, and leaves by a key."""

import pytest

from hal.microphone import FRAME_SAMPLES
from media.prompts import speech as prompt
from media.tones import Tone, render
from sim.footage import speech
from sim.shared import SoundTrack, create_memory
from sim.world.beep import BeepEar
from sim.world.sound import Person, Room

FRAME = 2 * FRAME_SAMPLES


def heard(sound: bytes, piece: int) -> int:
    """How often an ear hears the tone."""
    ear = BeepEar()
    return sum(ear.hear(sound[start : start + piece]) for start in range(0, len(sound), piece))


@pytest.mark.parametrize("piece", [2, FRAME, 3 * FRAME + 10, 1 << 20])
def test_the_recording_tone_is_heard_in_pieces_of_any_length(piece: int) -> None:
    assert heard(bytes(1002) + render(Tone.RECORD).samples + bytes(FRAME), piece) == 1


def test_words_and_other_tones_are_not_taken_for_it() -> None:
    others = [render(tone).samples for tone in Tone if tone is not Tone.RECORD]
    words = prompt("en", ("no-answer", "leave-message")).samples
    assert heard(b"".join([*others, words, speech("visitor"), bytes(FRAME)]), FRAME) == 0


class Doorway:
    """A room whose time passes as fast as a test likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000
        monkeypatch.setattr("sim.world.sound.sample_now", lambda: self.now)
        self.room = Room()
        self.room.microphone = self.track = SoundTrack(create_memory("test", SoundTrack.SIZE))
        self.room.speaker = self.speaker = SoundTrack(create_memory("test", SoundTrack.SIZE))
        self.room.person = Person(b"\1\1" * 1600, 0.5, b"\2\2" * 1600)
        self.left: list[int] = []
        self.room.leaves = lambda: self.left.append(self.now)

    def on(self) -> None:
        self.track.active = self.speaker.active = True

    def pass_by(self, seconds: float) -> set[int]:
        """Time passes; the samples that were said, but for silence."""
        said: set[int] = set()
        for _ in range(int(seconds * 50)):
            self.room.tick(self.now)
            said |= set(self.track.read(self.now, FRAME_SAMPLES)) - {0}
            self.now += FRAME_SAMPLES
        return said

    def beep(self) -> None:
        self.speaker.write(self.now, render(Tone.RECORD).samples)


@pytest.fixture
def doorway(monkeypatch: pytest.MonkeyPatch) -> Doorway:
    return Doorway(monkeypatch)


def test_the_visitor_leaves_a_message_after_the_tone_and_goes(doorway: Doorway) -> None:
    doorway.room.cue = lambda: False  # the lamp still says that it rings
    doorway.on()
    assert doorway.pass_by(3) == set()
    doorway.room.cue = lambda: True
    doorway.beep()
    assert doorway.pass_by(3) == {2}
    assert len(doorway.left) == 1
    assert doorway.pass_by(20) == set()


def test_without_a_tone_it_is_a_conversation(doorway: Doorway) -> None:
    doorway.on()
    assert doorway.pass_by(3) == {1}
    assert doorway.left == []


def test_the_next_conversation_begins_as_any(doorway: Doorway) -> None:
    doorway.on()
    doorway.beep()
    doorway.pass_by(1)
    doorway.track.active = False
    doorway.pass_by(1)
    doorway.on()
    assert doorway.pass_by(3) == {1}
    assert doorway.left == []


def test_a_person_at_the_page_speaks_and_leaves_herself(doorway: Doorway) -> None:
    doorway.room.visitors.add(1)
    doorway.on()
    doorway.beep()
    assert doorway.pass_by(5) == set()
    assert doorway.left == []
