"""What a resident's screen decides about watching, as tables: state and event in, state and actions out."""

from dataclasses import replace

import pytest

from endpoints.actions import Publish, StartTimer
from endpoints.events import KeyPressed, TimerExpired
from endpoints.resident.decisions import RESIDENT
from endpoints.screens import actions as do
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.scenes import scene_of
from endpoints.screens.state import Phase, Rules, Station
from endpoints.screens.watching import actions as watch
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.screens.watching.lateness import Lateness
from endpoints.screens.watching.lease import Watchable
from endpoints.screens.watching.state import Watching
from endpoints.sip.agent import Registered
from tests.endpoints.screens.test_decisions import INVITE

pytestmark = pytest.mark.flow("M1")

GATE, YARD = Watchable(name="gate1", title="Gate 1"), Watchable(name="yard", kind="camera")
BOTH = (GATE, YARD)
IDLE = Station(Rules(name="Hall", offers=("monitor",)), watching=Watching(BOTH), registered_at="home")
BARE = replace(IDLE, rules=Rules())
UNKNOWN = replace(IDLE, watching=Watching())
ASKING = replace(UNKNOWN, phase=Phase.WATCHING)
BEGUN = replace(IDLE, phase=Phase.WATCHING, watching=Watching(BOTH, "gate1"))
LIVE = replace(BEGUN, watching=replace(BEGUN.watching, live=True, viewers=2, late_ms=130))
MONITOR = ButtonPressed(Button.MONITOR)


def after(state: Station, *events: ScreenEvent) -> Station:
    for event in events:
        state, _ = RESIDENT.next_step(state, event)
    return state


def done(state: Station, event: ScreenEvent) -> tuple[object, ...]:
    return tuple(action for action in RESIDENT.next_step(state, event)[1] if not isinstance(action, Publish))


PHASES: dict[str, tuple[Station, ScreenEvent, Phase, str]] = {
    "the first door": (IDLE, MONITOR, Phase.WATCHING, "gate1"),
    "then the next one": (LIVE, MONITOR, Phase.WATCHING, "yard"),
    "the list is asked for": (UNKNOWN, MONITOR, Phase.WATCHING, ""),
    "and begun with": (ASKING, SourcesTold(BOTH), Phase.WATCHING, "gate1"),
    "a list while nobody watches": (UNKNOWN, SourcesTold(BOTH), Phase.IDLE, ""),
    "a list while somebody watches": (LIVE, SourcesTold((YARD, GATE)), Phase.WATCHING, "gate1"),
    "the red button": (LIVE, ButtonPressed(Button.HANGUP), Phase.IDLE, ""),
    "nobody looks any more": (LIVE, TimerExpired("watching"), Phase.IDLE, ""),
    "the watched door rings": (LIVE, INVITE, Phase.RINGING, ""),
    "another home is dialled": (LIVE, KeyPressed("3"), Phase.DIALLING, ""),
    "messages are looked at": (LIVE, ButtonPressed(Button.MESSAGES), Phase.WATCHING, "gate1"),
    "no server to ask": (BARE, MONITOR, Phase.IDLE, ""),
    "its picture ended": (LIVE, WatchOver("gate1", "No picture now"), Phase.WATCHING, "gate1"),
}


@pytest.mark.parametrize("name", PHASES)
def test_phases(name: str) -> None:
    state, event, phase, at = PHASES[name]
    reached = after(state, event)
    assert (reached.phase, reached.watching.at) == (phase, at)


def test_after_the_last_it_is_over() -> None:
    assert after(IDLE, MONITOR, MONITOR, MONITOR).phase is Phase.IDLE


def test_watching_begins_after_the_scene_that_has_room_and_ends_by_itself() -> None:
    assert done(IDLE, MONITOR) == (
        watch.AskSources("home"), StartTimer("watching", 300.0), do.ShowScene(scene_of(BEGUN)), watch.Watch("gate1"),
    )  # fmt: skip


def test_the_screen_is_free_before_a_visitor_rings() -> None:
    actions = done(LIVE, INVITE)
    assert isinstance(actions[0], watch.WatchNoMore)
    assert isinstance(actions[1], do.Ring)
    scenes = [action.scene.live for action in actions if isinstance(action, do.ShowScene)]
    assert scenes == [False, True], "what was watched is not taken for the visitor"


def test_viewers_lateness_and_place_are_shown() -> None:
    told = after(BEGUN, WatchLive("gate1", 210.0), WatchTold("gate1", 2, 130))
    assert told == LIVE
    scene = scene_of(told)
    assert (scene.title, scene.detail) == ("Gate 1", "2 watching, 0.1 s behind, 1 of 2")
    assert (scene.actions, scene.live) == (("monitor", "hangup"), True)
    assert scene_of(BEGUN).detail == "Connecting, 1 of 2"
    assert after(BEGUN, WatchLive("yard", 1.0)) == BEGUN


def test_why_there_is_no_picture_is_said() -> None:
    failed = scene_of(after(LIVE, WatchOver("gate1", "Too many watch already")))
    assert (failed.detail, failed.live) == ("Too many watch already, 1 of 2", False)
    assert scene_of(ASKING).detail == "Asking"
    assert scene_of(after(ASKING, SourcesTold(None))).detail == "Not reachable"
    assert scene_of(after(ASKING, SourcesTold(()))).detail == "There is nothing to watch"
    assert after(UNKNOWN, SourcesTold(None)) == UNKNOWN


def test_the_server_of_the_registration_is_asked() -> None:
    assert watch.AskSources("cloud") in done(IDLE, Registered("cloud", ""))
    assert "monitor" in scene_of(IDLE).actions
    assert "monitor" not in scene_of(BARE).actions


def test_lateness_needs_no_common_clock() -> None:
    late, ahead = Lateness(), 5000.0
    assert late.of(ahead + 1.0, 1.030, 1.032, 0.040) == pytest.approx(0.022)
    assert late.of(ahead + 2.0, 2.230, 2.232, 0.040) == pytest.approx(0.222, abs=0.001)
    assert late.of(ahead + 3.0, 3.020, 3.022, 0.040) == pytest.approx(0.022)
