"""The reorder buffer: order, what is asked for, what is given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.reorder import ASK_AGAIN_SECONDS, CAPACITY, REORDER_SECONDS, ReorderBuffer
from media.rtp_packet import RtpPacket

PATIENCE = 0.2


def arrive(buffer: ReorderBuffer, *sequences: int, now: float = 0.0) -> list[int]:
    """Insert packets and return the sequence numbers that come out."""
    out = []
    for sequence in sequences:
        buffer.insert(buffer.extend(sequence), RtpPacket(sequence_number=sequence), now)
        while (packet := buffer.take()) is not None:
            out.append(packet.sequence_number)
    return out


@pytest.mark.parametrize(
    ("arriving", "leaving"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 3, 2, 4], [1, 2, 3, 4]),
        ([1, 2, 2, 1, 3], [1, 2, 3]),
        ([65534, 65535, 0, 1], [65534, 65535, 0, 1]),
        ([65535, 1, 0], [65535, 0, 1]),
        ([10, 12, 13], [10]),
        ([10, 9, 11], [10, 11]),
    ],
)
def test_packets_leave_in_order_and_once(arriving: list[int], leaving: list[int]) -> None:
    assert arrive(ReorderBuffer(PATIENCE), *arriving) == leaving


@given(st.integers(0, 65535), st.permutations(range(1, 30)))
def test_any_order_within_the_buffer_is_restored(first: int, order: list[int]) -> None:
    expected = [(first + offset) & 0xFFFF for offset in range(30)]
    assert arrive(ReorderBuffer(PATIENCE), first, *((first + offset) & 0xFFFF for offset in order)) == expected


@given(st.integers(0, 65535), st.lists(st.integers(0, 12), max_size=60))
def test_packets_that_pass_without_going_in_change_nothing(first: int, steps: list[int]) -> None:
    passing, plain = ReorderBuffer(PATIENCE), ReorderBuffer(PATIENCE)
    for step in steps:
        sequence = (first + step) & 0xFFFF
        expected = arrive(plain, sequence)
        assert ([sequence] if passing.pass_by(sequence) is not None else arrive(passing, sequence)) == expected
        assert passing.extend(sequence) == plain.extend(sequence)
        assert passing.nacks(1.0) == plain.nacks(1.0)


def test_a_missing_packet_is_asked_for_after_a_moment_and_again() -> None:
    buffer = ReorderBuffer(PATIENCE)
    arrive(buffer, 1, 3)
    assert buffer.nacks(0.0) == []
    assert buffer.next_check() == pytest.approx(REORDER_SECONDS)
    assert [number & 0xFFFF for number in buffer.nacks(REORDER_SECONDS)] == [2]
    assert buffer.nacks(REORDER_SECONDS + 0.001) == []
    assert [number & 0xFFFF for number in buffer.nacks(REORDER_SECONDS + ASK_AGAIN_SECONDS)] == [2]


def test_a_packet_that_many_have_overtaken_is_asked_for_at_once() -> None:
    buffer = ReorderBuffer(PATIENCE)
    arrive(buffer, 1, 3, 4, 5)
    assert [number & 0xFFFF for number in buffer.nacks(0.0)] == [2]


def test_a_packet_that_does_not_come_is_given_up() -> None:
    buffer = ReorderBuffer(PATIENCE)
    arrive(buffer, 1, 3, 4)
    assert not buffer.skip_expired(PATIENCE / 2)
    assert buffer.skip_expired(PATIENCE)
    assert arrive(buffer, 5) == [3, 4, 5]
    assert arrive(buffer, 2) == [], "it is too late now"
    assert buffer.next_check() == float("inf")


def test_a_gap_wider_than_the_buffer_is_given_up_at_once() -> None:
    buffer = ReorderBuffer(PATIENCE)
    arrive(buffer, 1, 1 + CAPACITY + 1)
    assert buffer.skip_expired(0.0)
    assert len(buffer.nacks(1.0)) < CAPACITY


def test_what_came_in_time_is_not_asked_for() -> None:
    buffer = ReorderBuffer(PATIENCE)
    arrive(buffer, 1, 3, 2)
    assert buffer.nacks(1.0) == []
    assert not buffer.gap
