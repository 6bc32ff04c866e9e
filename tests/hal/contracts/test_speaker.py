"""What holds for every speaker."""

import pytest

from hal.errors import HalError
from hal.speaker import Speaker
from tests.hal.contracts.bench import Bench


def test_a_writer_is_never_held_up_however_much_it_writes(bench: Bench) -> None:
    speaker: Speaker = bench.device
    speaker.start()
    for _ in range(100):
        speaker.write(bytes(640))


def test_half_a_sample_is_refused(bench: Bench) -> None:
    speaker: Speaker = bench.device
    speaker.start()
    with pytest.raises(ValueError, match=r"even|sample"):
        speaker.write(bytes(641))


def test_a_speaker_may_be_stopped_and_started_again(bench: Bench) -> None:
    speaker: Speaker = bench.device
    for _ in range(2):
        speaker.start()
        speaker.write(bytes(640))
        speaker.stop()
        speaker.stop()


def test_a_closed_speaker_neither_starts_nor_plays(bench: Bench) -> None:
    speaker: Speaker = bench.device
    speaker.start()
    speaker.close()
    speaker.close()
    with pytest.raises(HalError):
        speaker.write(bytes(640))
    with pytest.raises(HalError):
        speaker.start()
