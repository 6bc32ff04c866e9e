"""The echo that a door station sends back, in a simulated room: measured, not believed."""

import pytest

from sim.bench.echo import Acoustics, measure_erle


@pytest.mark.parametrize(("delay_ms", "capture_first"), [(20, True), (60, False), (120, False)])
def test_the_far_side_does_not_hear_itself_and_hears_the_near_voice_while_it_speaks(
    delay_ms: int, capture_first: bool
) -> None:
    figures = measure_erle(Acoustics(delay_ms=delay_ms), capture_first=capture_first)
    assert figures.erle_db >= 25
    assert figures.woken_erle_db >= 25
    assert figures.settled_seconds <= 2
    assert figures.near_kept_db >= -3
    assert figures.near_likeness >= figures.heard_likeness + 0.05


def test_without_processing_the_whole_echo_goes_back() -> None:
    figures = measure_erle(Acoustics(), processing=False)
    assert figures.erle_db == pytest.approx(0, abs=0.1)
    assert figures.near_likeness == pytest.approx(figures.heard_likeness, abs=0.01)
