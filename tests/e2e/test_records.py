"""Who keeps the record of which call (V6, G2, P3, P4, H2): exactly one there, also when the keeper was down."""

import time
from typing import Any

import pytest

from sim.client import Community
from sim.player import Player
from sim.scenario import load

pytestmark = pytest.mark.kamailio
LIMIT = 60.0


def played(community: Community, name: str) -> str:
    """Play a scenario; gives the Session-ID of its call."""
    told: list[str] = []
    failure = Player(community, load(name), told.append).play()
    assert not failure, "\n".join([*told, failure, community.ladder() if community.visits() else "no SIP message"])
    return str(community.visits()[-1]["session"])


def kept(community: Community, server: str, session: str) -> list[dict[str, Any]]:
    return [record for record in community.records(server) if record["session_id"] == session]


def record(community: Community, server: str, session: str, **wanted: object) -> dict[str, Any]:
    """The only record of that call there, as soon as it is as wanted."""
    end = time.monotonic() + LIMIT
    while True:
        found = kept(community, server, session)
        if found and all(found[0][name] == value for name, value in wanted.items()):
            assert len(found) == 1, found
            return found[0]
        assert time.monotonic() < end, f"{server} keeps {found}, not {wanted}"
        time.sleep(0.1)


@pytest.mark.flow("V2")
@pytest.mark.flow("V6")
def test_a_visit_while_homelink_was_down_is_on_homelink_when_it_is_back(whole: Community) -> None:
    session = played(whole, "v2-homelink-down")
    visit = record(whole, "homelink", session, handed_by="door1")
    assert (visit["stages"], visit["result"]) == ("home failed, phones answered", "answered")
    assert (visit["caller"], visit["flat"], visit["unlocks"], visit["reason"]) == ("door1", "301", 1, "hung-up")
    assert (visit["answered_by"], visit["duration"] > 0) == ("phone2", True)
    record(whole, "homelink", session, picture=f"records/{visit['id']}/picture")
    assert not kept(whole, "management", session), "it only relayed"
    assert not kept(whole, "cloud", session)


@pytest.mark.flow("P2")
@pytest.mark.flow("P4")
def test_a_phone_on_4g_and_the_management_server_keep_the_call_to_the_guard(whole: Community) -> None:
    session = played(whole, "p2-phone-on-4g-calls-guard")
    at_management = record(whole, "management", session, result="answered")
    assert (at_management["caller"], at_management["called"], at_management["stage"]) == ("301", "guard", "guard")
    (own,) = [call for call in whole["phone2"].state()["calls"] if call["session_id"] == session]
    assert (own["outgoing"], own["caller"], own["why"]) == (True, "the management", "answered")
    assert not kept(whole, "cloud", session)


@pytest.mark.flow("H1")
@pytest.mark.flow("H2")
def test_homes_that_call_one_another_see_each_other_and_both_homelinks_keep_the_call(whole: Community) -> None:
    back = played(whole, "h1-home-to-home")
    first = next(visit["session"] for visit in whole.visits()[::-1] if visit["session"] != back)
    for session, caller, called, answered in (
        (first, "indoor1", "homelink303", "indoor303"),
        (back, "indoor303", "homelink", "phone1"),
    ):
        kept_at = {"homelink": "301", "homelink303": "303"}
        other = next(server for server in kept_at if server != called)
        at_caller = record(whole, other, session, result="answered")
        at_called = record(whole, called, session, result="answered")
        assert (at_caller["caller"], at_caller["called"]) == (caller, kept_at[called])
        assert (at_called["caller"], at_called["called"]) == (kept_at[other], "home")
        assert at_caller["answered_by"] == at_called["answered_by"] == answered
        assert not kept(whole, "management", session), "it only relayed"


@pytest.mark.flow("G2")
@pytest.mark.flow("P3")
@pytest.mark.flow("H2")
def test_calls_that_did_not_reach_the_management_server_are_there_when_it_is_back(whole: Community) -> None:
    door, screen = whole["door1"], whole["indoor1"]
    whole.fault("management-down")
    try:
        door.type("0#")
        visit = str(door.wait_for("calling").facts["session_id"])
        door.wait_for("ended")
        screen.press("guard")
        screen.wait_for("ended")
        screen.press("hangup")
        screen.type("302#")
        screen.wait_for("ended")
    finally:
        whole.fault("management-up")
    for device in ("door1", "door2", "indoor302", "console1", "console2", "console3"):
        whole[device].wait_for("registered", LIMIT)
    at_the_door = record(whole, "management", visit, handed_by="door1")
    assert (at_the_door["called"], at_the_door["stage"], at_the_door["result"]) == ("guard", "guard", "failed")
    assert not kept(whole, "homelink", visit)
    guard, home = [call["session_id"] for call in whole["indoor1"].state()["calls"][-2:]]
    for session, called in ((guard, "guard"), (home, "302")):
        assert record(whole, "homelink", session)["caller"] == "indoor1"
        missed = record(whole, "management", session, result="failed")
        assert (missed["caller"], missed["called"], missed["handed_by"]) == ("301", called, "homelink")
