"""What a console decides about its wall, as tables: state and event in, state and actions out."""

from dataclasses import replace

import pytest

from endpoints.actions import Publish
from endpoints.events import KeyPressed
from endpoints.management_console.decisions import CONSOLE
from endpoints.management_console.state import Console, console_scene
from endpoints.management_console.wall.actions import Arrange, Record, Snapshot, TakeDown
from endpoints.management_console.wall.events import Kept, NotKept
from endpoints.management_console.wall.state import Wall
from endpoints.screens import actions as do
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.state import Phase, Rules, Station
from endpoints.screens.watching.actions import AskSources
from endpoints.screens.watching.events import SourcesTold, WatchLive, WatchOver, WatchTold
from endpoints.screens.watching.lease import Watchable
from endpoints.sip.agent import Registered
from tests.endpoints.screens.test_decisions import INVITE

pytestmark = [pytest.mark.flow("M2"), pytest.mark.flow("M4")]

SIX = tuple(Watchable(name=f"gate{number}", title=f"Gate {number}") for number in range(1, 7))
RULES = Rules(name="Gate house", offers=("monitor", "snapshot", "record", "callback"), watch=0.0)
IDLE = Console(RULES, wall=Wall(SIX))
UNKNOWN = Console(RULES)
MONITOR, RED = ButtonPressed(Button.MONITOR), ButtonPressed(Button.HANGUP)


def after(state: Station, *events: ScreenEvent) -> Console:
    for event in events:
        state, _ = CONSOLE.next_step(state, event)
    assert isinstance(state, Console)
    return state


def done(state: Station, event: ScreenEvent) -> tuple[object, ...]:
    return tuple(action for action in CONSOLE.next_step(state, event)[1] if not isinstance(action, Publish))


OPEN = after(IDLE, MONITOR)
LIVE = after(OPEN, WatchLive("gate1", 120.0), WatchTold("gate1", 2, 130))


def names(state: Station, event: ScreenEvent) -> list[str]:
    return [pane.name for action in done(state, event) if isinstance(action, Arrange) for pane in action.panes]


def test_the_smallest_wall_that_holds_all_opens_and_each_press_gives_another_size() -> None:
    assert OPEN.phase is Phase.WATCHING
    assert (OPEN.wall.size, OPEN.wall.chosen) == (9, "gate1")
    sizes = [after(OPEN, *[MONITOR] * presses).wall.size for presses in range(4)]
    assert sizes == [9, 1, 4, 9]
    assert names(OPEN, MONITOR) == ["gate1"]
    few = after(Console(RULES, wall=Wall(SIX[:1])), MONITOR)
    assert (few.wall.size, after(few, MONITOR).wall.size) == (1, 1)
    assert after(Console(RULES, wall=Wall(SIX[:4])), MONITOR).wall.size == 4


def test_the_wall_comes_after_the_scene_that_has_room_for_it() -> None:
    asked, shown, arranged = done(IDLE, MONITOR)
    assert asked == AskSources("")
    assert shown == do.ShowScene(console_scene(OPEN))
    assert isinstance(arranged, Arrange)
    assert (arranged.side, len(arranged.panes)) == (3, 6)
    assert [pane.chosen for pane in arranged.panes][:2] == [True, False]


def test_digits_choose_and_enlarge_and_the_star_shows_all_again() -> None:
    chosen = after(OPEN, KeyPressed("3"))
    assert (chosen.wall.chosen, chosen.wall.size, chosen.typed) == ("gate3", 9, "")
    large = after(chosen, KeyPressed("3"))
    assert (large.wall.size, names(chosen, KeyPressed("3"))) == (1, ["gate3"])
    assert after(large, KeyPressed("*")).wall.size == 9
    assert after(OPEN, KeyPressed("9")).wall.chosen == "gate1", "there is no ninth"


def test_the_page_is_turned_where_not_all_fit() -> None:
    four = after(OPEN, MONITOR, MONITOR)
    assert names(four, KeyPressed("#")) == ["gate5", "gate6"]
    assert after(four, KeyPressed("#"), KeyPressed("#")).wall.chosen == "gate1"


def test_names_state_viewers_and_lateness_are_below_each_picture() -> None:
    (arranged,) = [action for action in done(LIVE, WatchOver("gate2", "No picture now")) if isinstance(action, Arrange)]
    assert [pane.words for pane in arranged.panes][:3] == [
        "1  Gate 1: 2 watching, 0.2 s behind", "2  Gate 2: No picture now", "3  Gate 3: Connecting",
    ]  # fmt: skip
    assert done(LIVE, WatchTold("gate1", 2, 150)) == (), "a tenth of a second is fine enough"


def test_a_visitor_has_the_screen_before_anything_else() -> None:
    actions = done(LIVE, INVITE)
    assert isinstance(actions[0], TakeDown)
    assert isinstance(actions[1], do.Ring)
    assert not any(isinstance(action, Arrange) for action in actions)
    scenes = [action.scene.live for action in actions if isinstance(action, do.ShowScene)]
    assert scenes == [False, True], "what was watched is not taken for the visitor"
    assert TakeDown() in done(LIVE, RED)
    assert after(LIVE, RED).phase is Phase.IDLE


def test_what_is_live_can_be_kept() -> None:
    snapshot, record = ButtonPressed(Button.SNAPSHOT), ButtonPressed(Button.RECORD)
    assert done(OPEN, snapshot) == ()
    assert done(OPEN, record) == ()
    assert done(LIVE, snapshot) == (Snapshot("gate1"),)
    recording = after(LIVE, record)
    assert Record("gate1", True) in done(LIVE, record)
    assert "Recording" in console_scene(recording).detail
    assert Record("gate1", False) in done(recording, record)
    kept = after(recording, Kept("gate1", "recording", "gate1.mp4"))
    assert (kept.wall.recording, kept.note) == (frozenset(), "Kept: gate1.mp4")
    full = after(recording, NotKept("gate1", "recording", "No space left on device"))
    assert (full.wall.recording, full.note) == (frozenset(), "Not kept: No space left on device")
    assert after(recording, RED, Kept("gate1", "recording", "gate1.mp4")).wall.recording == frozenset()


def test_a_wall_without_a_server_or_doors_says_so() -> None:
    asking = after(UNKNOWN, MONITOR)
    assert console_scene(asking).detail == "Asking"
    assert console_scene(after(asking, SourcesTold(None))).detail == "Not reachable"
    assert console_scene(after(asking, SourcesTold(()))).detail == "There is nothing to watch"
    opened = after(asking, SourcesTold(SIX[:2]))
    assert (opened.wall.chosen, opened.wall.size) == ("gate1", 4)
    assert names(asking, SourcesTold(SIX[:2])) == ["gate1", "gate2"]


def test_doors_that_come_and_go_come_and_go_on_the_wall() -> None:
    assert names(after(OPEN, KeyPressed("6")), SourcesTold(SIX[:5])) == [f"gate{number}" for number in range(1, 6)]
    assert after(OPEN, KeyPressed("6"), SourcesTold(SIX[:5])).wall.chosen == "gate1"


def test_only_a_console_with_a_server_and_the_button_has_a_wall() -> None:
    bare = Console(Rules(name="Gate house"))
    assert after(bare, MONITOR) == bare
    assert AskSources("home") in done(IDLE, Registered("home", ""))
    assert not any(isinstance(action, AskSources) for action in done(bare, Registered("home", "")))
    assert after(replace(OPEN, phase=Phase.IDLE), KeyPressed("3")).phase is Phase.DIALLING
