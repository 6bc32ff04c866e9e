"""What a resident's screen decides about what visitors left, as tables: state and event in, state and actions out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from endpoints.actions import Publish, StartTimer, Tone
from endpoints.events import KeyPressed, TimerExpired
from endpoints.resident.decisions import RESIDENT
from endpoints.screens import actions as do
from endpoints.screens.events import Button, ButtonPressed, ScreenEvent
from endpoints.screens.messages import actions as mail
from endpoints.screens.messages.events import FilmBegan, FilmOver, MailChanged, MailLost, NotDeleted
from endpoints.screens.messages.state import Left, Mailbox
from endpoints.screens.scenes import scene_of
from endpoints.screens.state import Phase, Rules, Station
from endpoints.sip.agent import Registered
from hal.indicator import Signal
from tests.endpoints.screens.test_decisions import INVITE

pytestmark = pytest.mark.flow("V5")


def left(number: int, kind: str = "message", read: bool = False) -> Left:
    started = datetime(2026, 11, 23, 12, number, tzinfo=UTC)
    duration, event = (12_400, "") if kind == "message" else (0, "ring")
    return Left.model_validate(
        {"id": f"{number:032x}", "kind": kind, "event": event, "started": started, "duration_ms": duration,
         "size": 1000, "read": read}
    )  # fmt: skip


NEW, PHOTO, OLD = left(9), left(8, "picture"), left(7, read=True)
ITEMS = (NEW, PHOTO, OLD)
RULES = Rules(name="Hall", offers=("guard", "messages", "play", "delete"))
IDLE = Station(RULES, mailbox=Mailbox(ITEMS, new=1, reachable=True))
BARE = replace(IDLE, rules=Rules(name="Hall"))
LOOKING = replace(IDLE, phase=Phase.MESSAGES, mailbox=replace(IDLE.mailbox, at=NEW.id))
ASKED = replace(LOOKING, mailbox=replace(LOOKING.mailbox, asked=True))
AWAY = replace(LOOKING, mailbox=replace(LOOKING.mailbox, reachable=False))
PLAYING = replace(LOOKING, phase=Phase.PLAYING)
EMPTY = replace(IDLE, mailbox=Mailbox(reachable=True))
SEEN_FIRST = replace(IDLE, mailbox=Mailbox((PHOTO, OLD, left(3)), new=1, reachable=True))


def press(button: Button) -> ButtonPressed:
    return ButtonPressed(button)


def after(state: Station, *events: ScreenEvent) -> Station:
    for event in events:
        state, _ = RESIDENT.next_step(state, event)
    return state


def done(state: Station, event: ScreenEvent) -> tuple[object, ...]:
    """The actions, without what is told."""
    return tuple(action for action in RESIDENT.next_step(state, event)[1] if not isinstance(action, Publish))


PHASES: dict[str, tuple[Station, ScreenEvent, Phase, str]] = {
    "the newest that nobody has seen comes first": (SEEN_FIRST, press(Button.MESSAGES), Phase.MESSAGES, left(3).id),
    "then the one before": (LOOKING, press(Button.MESSAGES), Phase.MESSAGES, PHOTO.id),
    "nothing there": (EMPTY, press(Button.MESSAGES), Phase.MESSAGES, ""),
    "the red button": (LOOKING, press(Button.HANGUP), Phase.IDLE, NEW.id),
    "nobody looks": (LOOKING, TimerExpired("messages"), Phase.IDLE, NEW.id),
    "play": (LOOKING, press(Button.PLAY), Phase.PLAYING, NEW.id),
    "its end": (PLAYING, FilmOver(NEW.id), Phase.MESSAGES, NEW.id),
    "the end of another one": (PLAYING, FilmOver(OLD.id), Phase.PLAYING, NEW.id),
    "any button stops it": (PLAYING, press(Button.DND), Phase.MESSAGES, NEW.id),
    "any key too": (PLAYING, KeyPressed("5"), Phase.MESSAGES, NEW.id),
    "the guard is called at once": (PLAYING, press(Button.GUARD), Phase.CALLING, NEW.id),
    "a visitor comes first": (PLAYING, INVITE, Phase.RINGING, NEW.id),
    "also before a list": (LOOKING, INVITE, Phase.RINGING, NEW.id),
    "a film that does not end": (PLAYING, TimerExpired("playing"), Phase.MESSAGES, NEW.id),
    "no such device": (BARE, press(Button.MESSAGES), Phase.IDLE, ""),
    "the shown one was deleted elsewhere": (LOOKING, MailChanged((PHOTO, OLD), 0), Phase.MESSAGES, PHOTO.id),
    "the playing one was": (PLAYING, MailChanged((PHOTO, OLD), 0), Phase.MESSAGES, PHOTO.id),
    "the last one was": (LOOKING, MailChanged((), 0), Phase.MESSAGES, ""),
    "a newer one comes": (LOOKING, MailChanged((left(10), *ITEMS), 2), Phase.MESSAGES, NEW.id),
    "while nothing was there": (after(EMPTY, press(Button.MESSAGES)), MailChanged(ITEMS, 1), Phase.MESSAGES, NEW.id),
}


@pytest.mark.parametrize("name", PHASES)
def test_phases(name: str) -> None:
    state, event, phase, at = PHASES[name]
    reached = after(state, event)
    assert (reached.phase, reached.mailbox.at) == (phase, at)


def test_after_the_oldest_it_is_over() -> None:
    assert after(IDLE, *[press(Button.MESSAGES)] * 3).mailbox.at == OLD.id
    assert after(IDLE, *[press(Button.MESSAGES)] * 4).phase is Phase.IDLE


def test_somebody_who_looks_sees_what_when_how_long_and_which_of_how_many() -> None:
    scene = scene_of(LOOKING)
    assert scene.title == "A message"
    assert scene.detail.startswith(f"New, 12 s, {NEW.started.astimezone():%d %b} ")
    assert scene.detail.endswith(", 1 of 3")
    assert scene.actions == ("play", "delete", "messages", "hangup")
    photo = scene_of(after(LOOKING, press(Button.MESSAGES)))
    assert (photo.title, "play" in photo.actions, photo.live) == ("Somebody rang", False, True)


def test_the_picture_comes_after_the_scene_that_has_room_for_it_and_never_stays_for_the_next() -> None:
    assert done(IDLE, press(Button.MESSAGES)) == (
        StartTimer("messages", 20.0), do.ShowScene(scene_of(LOOKING)), mail.ShowLeft(NEW),
    )  # fmt: skip
    photo = scene_of(after(LOOKING, press(Button.MESSAGES)))
    assert done(LOOKING, press(Button.MESSAGES)) == (
        StartTimer("messages", 20.0), mail.MarkRead(PHOTO.id), do.ShowScene(replace(photo, live=False)),
        do.ShowScene(photo), mail.ShowLeft(PHOTO),
    )  # fmt: skip


def test_a_visitor_ends_sound_and_picture_of_a_film_before_anything_else() -> None:
    actions = done(PLAYING, INVITE)
    assert isinstance(actions[0], mail.PutAway)
    assert isinstance(actions[1], do.Ring)
    assert Tone("ring") in actions
    scenes = [action.scene.live for action in actions if isinstance(action, do.ShowScene)]
    assert scenes == [False, True], "the film's last picture is not taken for the visitor"


def test_a_film_may_take_a_minute_longer_than_it_is() -> None:
    assert StartTimer("playing", 72.4) in done(LOOKING, press(Button.PLAY))
    assert mail.PlayFilm(NEW) in done(LOOKING, press(Button.PLAY))
    assert done(after(LOOKING, press(Button.MESSAGES)), press(Button.PLAY)) == ()


def test_from_its_first_picture_on_a_message_was_seen() -> None:
    assert done(PLAYING, FilmBegan(NEW.id)) == (mail.MarkRead(NEW.id),)
    assert done(LOOKING, FilmBegan(NEW.id)) == ()


def test_deleting_asks_once() -> None:
    assert scene_of(ASKED).title == "Delete this for the whole home?"
    assert mail.DeleteLeft(NEW.id) not in done(LOOKING, press(Button.DELETE))
    assert mail.DeleteLeft(NEW.id) in done(ASKED, press(Button.DELETE))
    assert after(ASKED, press(Button.DELETE)).note == "Deleting"
    kept = after(ASKED, press(Button.HANGUP))
    assert (kept.phase, kept.mailbox.asked) == (Phase.MESSAGES, False)
    assert not after(ASKED, press(Button.MESSAGES)).mailbox.asked
    assert after(LOOKING, NotDeleted(NEW.id)).note == "It could not be deleted"


def test_without_the_server_the_last_list_stays_and_it_is_said() -> None:
    lost = after(LOOKING, MailLost())
    assert lost.mailbox.items == ITEMS
    assert scene_of(lost).detail.startswith("Not reachable, ")
    assert mail.DeleteLeft(NEW.id) not in done(replace(ASKED, mailbox=AWAY.mailbox), press(Button.DELETE))
    assert scene_of(after(AWAY, press(Button.DELETE))).detail.startswith("Not reachable, nothing can be deleted now")
    assert scene_of(after(PLAYING, FilmOver(NEW.id, "x"))).detail.startswith("Not reachable, ")
    nothing = after(replace(EMPTY, mailbox=Mailbox(reachable=False)), press(Button.MESSAGES))
    assert scene_of(nothing).detail == "Not reachable"
    assert scene_of(after(EMPTY, press(Button.MESSAGES))).detail == "Nothing was left"


def test_the_lamp_and_the_idle_screen_tell_of_new_messages() -> None:
    quiet = replace(IDLE, mailbox=Mailbox())
    assert do.Light(Signal.MESSAGE) in done(quiet, MailChanged(ITEMS, 2))
    assert do.Light(Signal.IDLE) in done(IDLE, MailChanged(ITEMS, 0))
    assert scene_of(after(quiet, MailChanged(ITEMS, 2))).detail == "2 new messages"
    assert scene_of(IDLE).detail == "1 new message"
    assert "messages" in scene_of(IDLE).actions
    assert "messages" not in scene_of(BARE).actions


def test_the_server_where_it_is_registered_is_the_one_that_is_asked() -> None:
    assert done(IDLE, Registered("cloud", "cloud.example"))[0] == mail.Consult("cloud")
    assert not any(isinstance(action, mail.Consult) for action in done(BARE, Registered("home", "")))


def test_notes_about_messages_are_not_taken_into_a_call() -> None:
    assert after(ASKED, press(Button.DELETE), INVITE).note == ""
