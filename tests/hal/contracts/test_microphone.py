"""What holds for every microphone."""

import pytest

from hal.errors import HalError
from hal.microphone import FRAME_SAMPLES, Microphone
from tests.hal.contracts.bench import Bench


def test_a_reader_always_gets_what_it_asked_for(bench: Bench) -> None:
    microphone: Microphone = bench.device
    microphone.start()
    assert [len(microphone.read(samples)) for samples in (FRAME_SAMPLES, 160, 1)] == [640, 320, 2]


def test_a_microphone_may_be_stopped_and_started_again(bench: Bench) -> None:
    microphone: Microphone = bench.device
    for _ in range(2):
        microphone.start()
        assert len(microphone.read(FRAME_SAMPLES)) == 640
        microphone.stop()
        microphone.stop()


def test_a_closed_microphone_neither_starts_nor_records(bench: Bench) -> None:
    microphone: Microphone = bench.device
    microphone.start()
    microphone.close()
    microphone.close()
    with pytest.raises(HalError):
        microphone.read(FRAME_SAMPLES)
    with pytest.raises(HalError):
        microphone.start()
