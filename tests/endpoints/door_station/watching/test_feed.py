"""How pictures go from the encoder to those who watch: who joins begins with a key frame, and a visit comes first."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from endpoints.door_station.watching.feed import BEHIND, Feed, Shown
from media.encoder import EncodedPicture, VideoSink
from media.h264 import NAL_IDR, nal_types
from tests.media.streams import pictures


class FakeSource:
    """An encoder that writes down what it is asked for."""

    def __init__(self) -> None:
        self.sinks: list[VideoSink] = []
        self.asked: list[str] = []

    def watch(self, sink: VideoSink, patient: bool = False) -> bool:
        self.sinks.append(sink)
        self.asked.append("patient" if patient else "at once")
        return True

    def unwatch(self, sink: VideoSink) -> None:
        self.sinks.remove(sink)

    def key_frame(self) -> None:
        self.asked.append("key frame")


class FakeTaker:
    def __init__(self, catches_up: bool = True) -> None:
        self.catches_up = catches_up
        self.taken: list[EncodedPicture] = []

    def take(self, shown: Shown) -> None:
        self.taken.append(shown.picture)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def settle(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_until_complete(asyncio.sleep(0))


def test_the_first_who_watches_switches_the_encoder_on_and_the_last_one_off(loop: asyncio.AbstractEventLoop) -> None:
    source = FakeSource()
    feed = Feed(source, loop, lambda: False)
    one, two = FakeTaker(), FakeTaker()
    feed.join(one)
    feed.join(two)
    assert (source.sinks, source.asked) == ([feed], ["at once", "key frame"])
    feed.leave(one)
    assert source.sinks == [feed]
    feed.leave(two)
    assert source.sinks == []


def test_a_newcomer_is_given_the_pictures_since_the_last_key_frame(loop: asyncio.AbstractEventLoop) -> None:
    source = FakeSource()
    feed = Feed(source, loop, lambda: False)
    early, late, player = FakeTaker(), FakeTaker(), FakeTaker(catches_up=False)
    feed.join(early)
    for picture in pictures(4, 2):
        feed.encoded(picture)
    settle(loop)
    feed.join(late)
    assert late.taken == list(pictures(4, 2)[2:])
    assert source.asked == ["at once"]
    feed.join(player)
    assert player.taken == []  # a player would show it late for ever
    assert source.asked == ["at once", "key frame"]


def test_a_fresh_key_frame_is_good_for_every_newcomer(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FakeSource()
    feed = Feed(source, loop, lambda: False)
    feed.join(FakeTaker())
    picture = replace(pictures(1)[0], taken=50.0)
    monkeypatch.setattr(time, "monotonic", lambda: 50.05)
    feed.encoded(picture)
    settle(loop)
    player = FakeTaker(catches_up=False)
    feed.join(player)
    assert (player.taken, source.asked) == ([picture], ["at once"])


def test_in_a_visit_newcomers_cost_a_key_frame_only_now_and_then(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    source = FakeSource()
    feed = Feed(source, loop, lambda: True)
    for _ in range(5):
        taker = FakeTaker()
        feed.join(taker)
        feed.leave(taker)
    assert source.asked == ["at once", *["patient"] * 4]
    now = 103.0
    feed.join(FakeTaker())
    feed.join(FakeTaker())
    assert source.asked[5:] == ["at once"]


def test_pictures_that_the_watchers_thread_does_not_take_in_time_are_dropped_up_to_a_key_frame(
    loop: asyncio.AbstractEventLoop,
) -> None:
    feed = Feed(FakeSource(), loop, lambda: False)
    taker = FakeTaker()
    feed.join(taker)
    stream = pictures(20, 10)
    for picture in stream[:8]:
        feed.encoded(picture)  # the loop does not run
    settle(loop)
    for picture in stream[8:]:
        feed.encoded(picture)
        settle(loop)
    assert taker.taken == [*stream[:BEHIND], *stream[10:]]
    assert feed.dropped == 10 - BEHIND


def test_an_encoder_that_is_still_at_work_when_the_loop_has_ended_does_no_harm() -> None:
    loop = asyncio.new_event_loop()
    feed = Feed(FakeSource(), loop, lambda: False)
    loop.close()
    feed.encoded(pictures(1)[0])


def test_a_message_is_the_time_and_an_access_unit_in_one_frame() -> None:
    picture = replace(pictures(1)[0], taken=12.5)
    message = Shown(picture).message
    assert message[0] == 0x82
    head = 4 if len(picture.data) + 8 < 65_536 else 10
    assert int.from_bytes(message[head : head + 8], "big") == 12_500_000
    assert message[head + 8 :] == picture.data
    assert NAL_IDR in nal_types(picture.data)
