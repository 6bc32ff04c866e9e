"""A visitor at the door, over real servers, real SIP, real media: the flows that are called by their ids."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sim.client import Community, DeviceClient
from tests.e2e.visits import (
    dial,
    ended,
    phases,
    rings_everywhere,
    sees_the_visitor,
    sees_the_visitor_again,
    still_sees_the_visitor,
    talks,
)

pytestmark = pytest.mark.kamailio


@pytest.mark.flow("V1")
@pytest.mark.flow("V4")
def test_every_screen_shows_the_visitor_before_anybody_answers(community: Community) -> None:
    dial(community)
    rings_everywhere(community)
    for screen in community.screens:
        sees_the_visitor(screen)
        assert screen.state()["phase"] == "ringing"


@pytest.mark.flow("V1")
def test_one_answers_and_the_others_stop_by_themselves(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    winner, *others = community.screens
    sees_the_visitor(winner)
    winner.press("answer")
    talks(winner, door)
    for other in others:
        ended(other, "answered-elsewhere")
        assert other.state()["scene"]["title"] == "Answered elsewhere"
        assert not other.state()["scene"]["live"]
    still_sees_the_visitor(winner)
    winner.press("hangup")
    ended(door, "hung-up")


@pytest.mark.flow("V1")
def test_the_one_who_answered_opens_the_door_and_it_locks_again(community: Community) -> None:
    door = dial(community)
    winner = community["phone1"]
    winner.wait_for("ringing")
    winner.press("answer")
    talks(winner, door)
    winner.press("unlock")
    door.wait_for("lock", unlocked=True)
    assert winner.wait_for("unlock").facts["granted"] is True
    door.wait_for("lock", unlocked=False)


def test_a_screen_that_only_rings_cannot_open_the_door(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    screen = community.screens[0]
    screen.press("unlock")
    screen.wait_for("button", button="unlock")
    assert door.state()["lock"]["unlocked"] is False
    door.type("*")
    ended(door, "cancelled")
    assert not [event for event in door.events() if event.event == "lock" and event.id > door.seen]


@pytest.mark.flow("V1")
def test_one_declines_and_the_others_ring_on(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    first, second, *_ = community.screens
    first.press("decline")
    ended(first, "declined")
    assert second.state()["phase"] == "ringing"
    assert door.state()["phase"] == "ringing"
    second.press("answer")
    talks(second, door)


def test_all_decline_and_the_visitor_is_told(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    for screen in community.screens:
        screen.press("decline")
    ended(door, "declined")
    for screen in community.screens:
        ended(screen, "declined")


def test_the_visitor_gives_up_and_every_screen_has_a_missed_call(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    door.type("*")
    ended(door, "cancelled")
    for screen in community.screens:
        ended(screen, "missed")
        assert screen.state()["missed"] >= 1


def test_an_answer_after_the_end_does_nothing(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    door.type("*")
    screen = community.screens[0]
    ended(screen, "missed")
    screen.press("answer")
    screen.wait_for("button", button="answer")
    assert phases(community)[screen.name] in ("ended", "idle")
    assert door.state()["phase"] == "idle"


@pytest.mark.flow("V1")
def test_two_answer_in_the_same_moment_and_exactly_one_has_the_call(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    pair = community.screens[:2]
    with ThreadPoolExecutor() as both:
        list(both.map(lambda screen: screen.press("answer"), pair))
    talks(door)
    winner, loser = _sorted_by_luck(pair)
    assert winner.state()["phase"] == "talking"
    assert loser.state()["scene"]["title"] in ("Answered elsewhere", "Ready", loser.name)
    assert [screen for screen in community.screens if screen.state()["phase"] == "talking"] == [winner]


def _sorted_by_luck(pair: list[DeviceClient]) -> tuple[DeviceClient, DeviceClient]:
    """The one that talks, and the one that was told that somebody else was faster."""
    first, second = pair
    outcomes = {}
    with ThreadPoolExecutor() as both:
        for screen, event in zip(pair, both.map(_fate, pair), strict=True):
            outcomes[screen.name] = event
    assert sorted(outcomes.values()) == ["answered-elsewhere", "audio"], outcomes
    return (first, second) if outcomes[first.name] == "audio" else (second, first)


def _fate(screen: DeviceClient) -> str:
    for event in screen.events(screen.seen, 15):
        if event.event == "ended":
            return str(event.facts["outcome"])
        if event.event == "audio-started":
            return "audio"
        screen.seen = event.id
    return _fate(screen)


def test_a_wrong_flat_rings_nowhere_and_the_visitor_is_told(community: Community) -> None:
    door = dial(community, "999#")
    assert door.wait_for("refused").facts["why"] == "wrong-flat"
    assert {phases(community)[screen.name] for screen in community.screens} == {"idle"}


def test_a_second_press_never_makes_a_second_call(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    door.press("call")
    door.type("301#")
    assert door.state()["phase"] == "ringing"
    assert len([event for event in door.events() if event.event == "calling" and event.id > door.seen]) <= 1


def test_the_camera_goes_away_while_it_rings_and_the_call_goes_on(community: Community) -> None:
    door = dial(community)
    rings_everywhere(community)
    screen = community.screens[0]
    sees_the_visitor(screen)
    door.fault("camera-gone")
    try:
        assert door.wait_for("device-lost").facts["device"] == "camera"
        screen.press("answer")
        talks(screen, door)
    finally:
        door.fault("camera-back")
    door.wait_for("device-returned")
    sees_the_visitor_again(screen)


def test_nobody_is_registered_and_the_visitor_is_told_at_once(community: Community) -> None:
    for screen in community.screens:
        screen.fault("power-cut")
    try:
        ended(dial(community), "unreachable")
    finally:
        for screen in community.screens:
            screen.fault("power-back")
        for screen in community.screens:
            screen.wait_for("registered")


def test_homelink_is_down_and_the_visitor_is_told_then_it_is_back_and_all_register_again(community: Community) -> None:
    community.fault("homelink-down")
    try:
        ended(dial(community), "unreachable")
    finally:
        community.fault("homelink-up")
    for screen in community.screens:
        screen.wait_for("registered", 30)
    dial(community)
    rings_everywhere(community)
