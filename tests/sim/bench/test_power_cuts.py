"""Real door stations are killed in a message; what they had is at the home afterwards, and can be played."""

import pytest

from sim.bench.power_cuts import kill_doors


@pytest.mark.kamailio
@pytest.mark.flow("V5")
def test_doors_that_are_killed_lose_and_double_nothing() -> None:
    promised, wrong = kill_doors(kills=2, doors=2)
    assert (wrong.lost, wrong.doubled, wrong.unreadable) == (0, 0, 0)
    assert promised.begun == 2
    assert wrong.kept >= len(promised.finished)
