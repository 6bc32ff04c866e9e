"""Residents and guards over the real servers: homes call one another, guards are shared, urgent calls come first."""

import pytest

from sim.client import Community, DeviceClient
from tests.e2e.visits import LIMIT, hears
from tests.media.streams import eventually

pytestmark = pytest.mark.kamailio


def take(guard: DeviceClient, caller: str = "") -> None:
    """A guard answers the call that rings there; `caller`: not another one that rang there before."""
    facts: dict[str, object] = {"caller": caller} if caller else {}
    guard.wait_for("ringing", LIMIT, **facts)
    guard.press("answer")
    guard.wait_for("answered")


def says(device: DeviceClient, title: str) -> None:
    """In large letters on its display, which hears of it by another way than we do."""
    eventually(lambda: device.state()["scene"]["title"] == title, f"{device.name} says {title!r}")


@pytest.mark.flow("H1")
def test_a_home_calls_another_which_rings_as_for_a_visitor_but_opens_no_door(whole: Community) -> None:
    hall, neighbour = whole["indoor1"], whole["indoor302"]
    hall.type("302#")
    neighbour.wait_for("ringing")
    says(neighbour, "Family Chen (301) is calling")
    neighbour.press("answer")
    hall.wait_for("audio-started")
    assert "unlock" not in neighbour.state()["scene"]["actions"]
    hall.press("hangup")
    neighbour.wait_for("ended")


@pytest.mark.flow("H1")
def test_every_device_of_the_called_home_rings_and_one_answers(whole: Community) -> None:
    whole["indoor302"].type("301#")
    for name in ("indoor1", "phone1"):
        whole[name].wait_for("ringing")
    whole["phone1"].press("answer")
    whole["indoor302"].wait_for("audio-started")
    whole["indoor1"].wait_for("ended", outcome="answered-elsewhere")


@pytest.mark.flow("H1")
def test_a_number_that_nobody_has_is_shown_and_spoken(whole: Community) -> None:
    hall = whole["indoor1"]
    hall.type("999#")
    hall.wait_for("ended", outcome="wrong-number")
    says(hall, "No such number")
    hears(hall, "wrong-number")


@pytest.mark.flow("G1")
@pytest.mark.flow("P1")
def test_all_guards_talk_so_a_resident_waits_an_emergency_does_not_and_a_talk_is_passed_on(whole: Community) -> None:
    first, second, third = (whole[f"console{number}"] for number in (1, 2, 3))
    whole["door2"].type("0#")
    take(first)
    second.wait_for("ended", outcome="answered-elsewhere")
    whole["indoor302"].press("guard")
    take(second, "Family Weber (302)")
    whole["door1"].type("0#")
    take(third)

    whole["indoor1"].press("guard")
    assert whole["indoor1"].wait_for("queued").facts["position"] == 1
    first.wait_for("queue", waiting=1, emergency=0)

    first.forget()
    whole["phone1"].press("emergency")
    first.wait_for("ringing", emergency=True)
    says(first, "Emergency: Family Chen (301)")
    first.press("answer")
    whole["door2"].wait_for("ended")
    whole["phone1"].wait_for("audio-started")

    third.forget()
    third.press("hangup")
    take(third)
    whole["indoor1"].wait_for("audio-started")

    whole["indoor1"].forget()
    first.forget()
    first.press("hangup")
    whole["phone1"].wait_for("ended")
    third.press("transfer")
    take(first)
    third.wait_for("transferred", code=200)
    whole["indoor1"].wait_for("audio-started")
    says(first, "Talking to Family Chen (301)")


@pytest.mark.flow("G1")
def test_who_talks_to_a_console_that_loses_its_power_is_told(whole: Community) -> None:
    door, guard = whole["door2"], whole["console1"]
    door.type("0#")
    take(guard)
    door.wait_for("audio-started")
    guard.fault("power-cut")
    try:
        door.wait_for("ended", 30, outcome="connection-lost")
        hears(door, "connection-lost")
    finally:
        guard.fault("power-back")
    guard.wait_for("registered", 30)


@pytest.mark.flow("G1")
def test_a_guard_calls_a_door_which_answers_by_itself_and_makes_way_for_a_visitor(whole: Community) -> None:
    guard, door = whole["console1"], whole["door2"]
    guard.type("902#")
    assert door.wait_for("guard-calls").facts["rings"] is False
    guard.wait_for_all("first-picture", "audio-started")
    says(guard, "Talking to door2")
    assert door.state()["indicator"] == "talking"
    assert door.state()["lock"]["unlocked"] is False
    door.type("0#")
    guard.wait_for("ended")
    take(guard, "Gate 2")
    door.wait_for("audio-started")


@pytest.mark.flow("R3")
def test_a_phone_uses_the_cloud_while_its_home_cannot_be_reached(whole: Community) -> None:
    phone = whole["phone1"]
    assert phone.state()["registered_at"] == "home"
    whole.fault("homelink-down")
    try:
        phone.wait_for("registered", server="cloud")
    finally:
        whole.fault("homelink-up")
    phone.wait_for("registered", 30, server="home")
    assert phone.state()["registered"] is True
