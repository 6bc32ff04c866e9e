"""The bounded buffer between a sound card's thread and a call's."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.ring import SoundRing, bytes_of


def test_a_second_of_sound_is_32000_bytes() -> None:
    assert bytes_of(1.0) == 32_000
    assert bytes_of(0.02) == 640


def test_what_was_written_is_read_in_order_and_filled_up_with_silence() -> None:
    ring = SoundRing(8)
    ring.write(b"abcd")
    assert ring.read(2) == b"ab"
    ring.write(b"efghij")
    assert ring.read(10) == b"cdefghij" + bytes(2)
    assert (ring.missing, ring.dropped, len(ring)) == (2, 0, 0)


def test_beyond_the_limit_the_oldest_goes_until_the_kept_amount_is_left() -> None:
    ring = SoundRing(8, keep=4)
    ring.write(b"abcdefgh")
    ring.write(b"ij")
    assert ring.read(8) == b"ghij" + bytes(4)
    assert ring.dropped == 6


def test_one_write_beyond_the_limit_keeps_its_end() -> None:
    ring = SoundRing(4)
    ring.write(b"ab")
    ring.write(b"cdefghij")
    assert ring.read(4) == b"ghij"
    assert ring.dropped == 6


def test_clearing_forgets_what_was_not_read() -> None:
    ring = SoundRing(4)
    ring.write(b"abcd")
    ring.clear()
    assert ring.read(2) == bytes(2)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of bytes"):
        SoundRing(8).write(b"abc")


@pytest.mark.parametrize(("limit", "keep"), [(0, 0), (8, 0), (8, 10), (7, 4), (8, 3)])
def test_a_ring_without_room_for_samples_is_refused(limit: int, keep: int) -> None:
    with pytest.raises(ValueError, match="whole samples"):
        SoundRing(limit, keep)


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.lists(st.one_of(st.binary(max_size=50).filter(lambda b: len(b) % 2 == 0), st.integers(0, 25))),
)
def test_it_behaves_like_a_queue_of_bytes_that_loses_its_oldest(
    limit: int, keep: int, steps: list[bytes | int]
) -> None:
    limit, keep = 2 * max(limit, keep), 2 * min(limit, keep)
    ring, model = SoundRing(limit, keep), deque[int]()
    for step in steps:
        if isinstance(step, bytes):
            ring.write(step)
            model.extend(step)
            if len(model) > limit:
                model = deque(list(model)[-keep:])
        else:
            there = [model.popleft() for _ in range(min(2 * step, len(model)))]
            assert ring.read(2 * step) == bytes(there) + bytes(2 * step - len(there))
        assert len(ring) == len(model)
