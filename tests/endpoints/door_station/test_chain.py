"""The chain of a visit as tables: each row of what counts as not getting through, and what ends the visit."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from endpoints.actions import CancelTimer, HangUp, Publish, Say, StartTimer, StartVoice
from endpoints.door_station import actions as do
from endpoints.door_station.chain import Budget, Home, Outcome, Way
from endpoints.door_station.decisions import next_step
from endpoints.door_station.events import CallPressed, DirectoryChanged, DoorEvent
from endpoints.door_station.state import Door, Phase, Rules, signal_of, tone_of
from endpoints.events import CallFailed, CallPlaced, KeyPressed, TimerExpired
from endpoints.sip.agent import Answered, Dtmf, EarlyMedia, Ended, Queued, Ringing, Trying
from hal.indicator import Signal
from media.description import VideoMedia
from media.prompts import FOLDER, LANGUAGES

HOME, MANAGEMENT, CLOUD = Way("home", "sip:home@h"), Way("phones", "sip:301@m"), Way("phones", "sip:301@c")
TELEPHONE, OTHER_TRUNK = Way("telephone", "sip:301@m;stage=telephone"), Way("telephone", "sip:301@c;stage=telephone")
GUARD = Way("guard", "sip:guard@m")
WAYS = (HOME, MANAGEMENT, CLOUD, TELEPHONE, OTHER_TRUNK)
BUDGETS = {"home": Budget(3.0, 15.0), "phones": Budget(5.0, 12.0), "telephone": Budget(8.0, 18.0)}
RULES = Rules(call_flat="301", budgets=BUDGETS)
HOMES = {"301": Home("301", WAYS, {"indoor1": "KEY"}), "0": Home("guard", (GUARD,), {"console1": "KEY"})}
IDLE = Door(RULES, HOMES)
SCREEN = VideoMedia("127.0.0.1", 4000, 4001, direction="recvonly")
LATE = "the door calls elsewhere"


def after(state: Door, *events: DoorEvent) -> Door:
    for event in events:
        state, _ = next_step(state, event)
    return state


def calling(number: int, phase: Phase = Phase.CALLING) -> Door:
    """Way number so and so is tried, as call c1."""
    return replace(IDLE, phase=phase, flat="301", call="c1", ways=WAYS[number:], keys={"indoor1": "KEY"})


def called(actions: Sequence[do.DoorAction]) -> list[Way]:
    return [action.way for action in actions if isinstance(action, do.Call)]


def said(actions: Sequence[do.DoorAction]) -> list[str]:
    return [word for action in actions if isinstance(action, Say) for word in action.words]


# What counts as not getting through: what happens, where, and the way that is tried next (None: the visit is over).
TRIED = replace(calling(1), tried=True)
QUEUED = replace(calling(1, Phase.RINGING), queued=True)
FAILURES: list[tuple[str, Door, DoorEvent, Way | None]] = [
    ("nothing at all within reach", calling(0), TimerExpired("calling"), MANAGEMENT),
    ("a server has it, and nobody rings", TRIED, TimerExpired("calling"), CLOUD),
    ("the connection is refused", calling(1), Ended("c1", 503, "Connection refused"), CLOUD),
    ("no INVITE can be sent", calling(1), CallFailed("no transport"), CLOUD),
    ("the server cannot", calling(1), Ended("c1", 500, ""), CLOUD),
    ("the server does not want us", calling(1), Ended("c1", 403, ""), CLOUD),
    ("the number is unknown there", calling(1), Ended("c1", 404, ""), CLOUD),
    ("no answer to the library", calling(1), Ended("c1", 408, ""), CLOUD),
    ("the server breaks while it rings", calling(1, Phase.RINGING), Ended("c1", 503, ""), CLOUD),
    ("nobody is registered", calling(1), Ended("c1", 480, ""), TELEPHONE),
    ("everybody is busy", calling(1, Phase.RINGING), Ended("c1", 486, ""), TELEPHONE),
    ("busy everywhere", calling(1, Phase.RINGING), Ended("c1", 600, ""), TELEPHONE),
    ("it rang, nobody answered", calling(1, Phase.RINGING), Ended("c1", 408, ""), TELEPHONE),
    ("it rang as long as it may", calling(1, Phase.RINGING), TimerExpired("ringing"), TELEPHONE),
    ("a voicemail answered", calling(3, Phase.CONFIRMING), TimerExpired("confirming"), None),
    ("who answered hung up", calling(3, Phase.CONFIRMING), Ended("c1", 200, ""), None),
    ("the last address is down", calling(4), Ended("c1", 503, ""), None),
    ("a person declined", calling(0, Phase.RINGING), Ended("c1", 603, "Decline"), None),
    ("a person rejected", calling(1, Phase.RINGING), Ended("c1", 607, "Unwanted"), None),
    ("declined without ringing", calling(1), Ended("c1", 603, ""), None),
    ("the visitor gives up", calling(1, Phase.RINGING), KeyPressed("*"), None),
    ("time is over while it rings", calling(1, Phase.RINGING), TimerExpired("total"), None),
    ("time is over while nothing rings", calling(1), TimerExpired("total"), None),
    ("the queue is given up", QUEUED, TimerExpired("total"), None),
]


@pytest.mark.flow("V2")
@pytest.mark.flow("V3")
@pytest.mark.parametrize(("state", "event", "way"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_what_does_not_get_through_goes_on_and_what_ends_the_visit_ends_it(
    state: Door, event: DoorEvent, way: Way | None
) -> None:
    reached, actions = next_step(state, event)
    hung_up = [action.call for action in actions if isinstance(action, HangUp)]
    if reached.phase is Phase.CHANGING:
        assert (hung_up, called(actions)) == (["c1"], [])
        reached, actions = next_step(reached, Ended("c1", 487, "Request Terminated"))
    if way is None:
        assert not reached.in_visit
        assert called(actions) == []
        assert do.EndVisit() in actions
        assert CancelTimer("total") in actions
    else:
        assert reached.phase is Phase.CALLING
        assert called(actions) == [way]
        assert StartTimer("calling", RULES.reach) in actions


def test_the_next_stage_begins_only_when_the_last_call_is_over() -> None:
    ringing = after(calling(0), EarlyMedia("c1", "a", SCREEN, "x"), EarlyMedia("c1", "b", SCREEN, "y"))
    state, actions = next_step(ringing, TimerExpired("ringing"))
    assert actions[1:4] == (HangUp("c1", LATE), do.StopVideo("a"), do.StopVideo("b"))
    assert called(actions) == []
    assert state.in_visit
    assert after(state, Ringing("c1", 180, "c"), EarlyMedia("c1", "c", SCREEN, "z")) == state
    state, actions = next_step(state, Ended("c1", 487, ""))
    assert called(actions) == [MANAGEMENT]


def test_an_answer_that_crosses_the_end_of_its_stage_is_hung_up_and_never_becomes_a_second_conversation() -> None:
    changing = after(calling(0, Phase.RINGING), TimerExpired("ringing"))
    state, actions = next_step(changing, Answered("c1", "a", None))
    assert actions == (HangUp("c1", LATE),)
    state = after(state, Ended("c1", 200, ""), CallPlaced("c2"), Ringing("c2", 180, "b"))
    late, actions = next_step(state, Answered("c1", "a", None))
    assert late is state
    assert actions == (HangUp("c1", "the visitor has gone"),)
    assert after(state, Answered("c2", "b", None)).phase is Phase.TALKING


def test_a_call_whose_end_is_never_told_does_not_hold_up_the_visit() -> None:
    changing = after(calling(0, Phase.RINGING), TimerExpired("ringing"))
    assert called(next_step(changing, TimerExpired("changing"))[1]) == [MANAGEMENT]


def test_each_call_has_the_time_of_its_own_stage() -> None:
    state, actions = next_step(calling(1), Ended("c1", 503, ""))
    assert {StartTimer("calling", 1.5), CancelTimer("calling")} <= set(timers(actions))
    state = after(state, CallPlaced("c2"))
    state, actions = next_step(state, Trying("c2"))
    assert actions == (StartTimer("calling", 5.0),)
    assert next_step(state, Trying("c2")) == (state, ())
    state, actions = next_step(state, Ringing("c2", 180, "a"))
    assert StartTimer("ringing", 12.0) in actions


def timers(actions: Sequence[do.DoorAction]) -> list[StartTimer | CancelTimer]:
    return [action for action in actions if isinstance(action, StartTimer | CancelTimer)]


def test_the_last_stage_rings_as_long_as_the_whole_visit_may_take() -> None:
    _state, actions = next_step(calling(3), Ringing("c1", 180, "a"))
    assert timers(actions) == [CancelTimer("calling")]
    _state, actions = next_step(IDLE, CallPressed())
    assert StartTimer("total", RULES.total) in actions


def test_the_visitor_hears_what_goes_on() -> None:
    state, actions = next_step(IDLE, CallPressed())
    assert said(actions) == []
    state, actions = next_step(after(state, CallPlaced("c1")), Ended("c1", 503, ""))
    assert said(actions) == ["calling-phones"]
    state, actions = next_step(after(state, CallPlaced("c2")), Ended("c2", 503, ""))
    assert said(actions) == []  # another address of the same stage is no news
    state, actions = next_step(after(state, CallPlaced("c3"), Ringing("c3", 180, "")), Ended("c3", 408, ""))
    assert said(actions) == ["calling-telephone"]
    state, actions = next_step(after(state, CallPlaced("c4")), Ended("c4", 480, ""))
    assert said(actions) == ["no-answer"]
    assert state.outcome is Outcome.NO_ANSWER


def test_the_service_port_hears_of_each_stage() -> None:
    _state, actions = next_step(calling(0), Ended("c1", 503, "down"))
    told = [action for action in actions if isinstance(action, Publish)]
    facts = {"stage": "home", "call": "c1", "why": "unreachable", "code": 503, "reason": "down"}
    assert told == [Publish("stage-over", facts), Publish("stage", {"stage": "phones", "flat": "301"})]


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ((503, 503, 503, 503, 503), Outcome.UNREACHABLE),
        ((486, 480, 480), Outcome.BUSY),
        ((603,), Outcome.DECLINED),
        ((408, 480, 486), Outcome.BUSY),
    ],
)
def test_at_the_end_the_visitor_is_told_the_best_of_all_outcomes(ends: tuple[int, ...], outcome: Outcome) -> None:
    state = after(IDLE, CallPressed())
    for number, code in enumerate(ends):
        assert state.in_visit
        state = after(state, CallPlaced(f"c{number}"), Ended(f"c{number}", code, ""))
    assert (state.phase, state.outcome) == (Phase.ENDED, outcome)


def test_a_visit_goes_on_with_what_the_directory_said_when_it_began() -> None:
    state = after(IDLE, CallPressed(), CallPlaced("c1"), DirectoryChanged({}))
    state, actions = next_step(state, Ended("c1", 503, ""))
    assert called(actions) == [MANAGEMENT]
    state = after(state, KeyPressed("*"), CallPressed())
    assert state.outcome is Outcome.WRONG_FLAT
    state, actions = next_step(after(state, DirectoryChanged(HOMES)), CallPressed())
    assert called(actions) == [HOME]


def test_a_flat_without_any_way_is_a_wrong_number() -> None:
    assert after(Door(RULES, {"301": Home("301", ())}), CallPressed()).outcome is Outcome.WRONG_FLAT


# --- the property management ----------------------------------------------------------------------------------------


@pytest.mark.flow("G1")
def test_the_guards_number_calls_the_guards() -> None:
    _state, actions = next_step(after(IDLE, KeyPressed("0")), KeyPressed("#"))
    assert actions[0] == do.Call("guard", GUARD, {"console1": "KEY"})


@pytest.mark.flow("G1")
def test_a_visitor_in_the_queue_hears_the_position_and_waits_longer_than_a_call_may_ring() -> None:
    state = after(IDLE, KeyPressed("0"), KeyPressed("#"), CallPlaced("c1"), Trying("c1"))
    state, actions = next_step(state, Queued("c1", 12))
    assert said(actions) == ["guards-busy", "your-position", "1", "2"]
    assert StartTimer("total", RULES.queue) in actions
    assert (tone_of(state), signal_of(state)) == (None, Signal.CALLING)
    state, actions = next_step(state, Queued("c1", 1))
    assert said(actions) == ["your-position", "1"]
    assert timers(actions) == []
    state, actions = next_step(state, Ringing("c1", 180, "a"))
    assert StartTimer("total", RULES.total) in actions
    assert tone_of(state) == "ringback"
    assert after(state, Answered("c1", "a", None)).phase is Phase.TALKING


# --- the telephone --------------------------------------------------------------------------------------------------

CONFIRMING = replace(calling(3, Phase.CONFIRMING), branch="a")


@pytest.mark.flow("V3")
def test_who_answers_a_telephone_is_asked_and_the_visitor_goes_on_hearing_the_ringing() -> None:
    state, actions = next_step(calling(3, Phase.RINGING), Answered("c1", "a", None))
    assert actions[0] == do.AskForPerson()
    assert StartVoice() not in actions
    assert StartTimer("confirming", RULES.confirm) in actions
    assert (state.phase, tone_of(state), signal_of(state)) == (Phase.CONFIRMING, "ringback", Signal.CALLING)


@pytest.mark.flow("V3")
def test_who_presses_1_talks_and_is_told_a_code() -> None:
    state, actions = next_step(CONFIRMING, Dtmf("c1", "1", "rfc4733"))
    assert actions[:3] == (StartVoice(), do.TellCode(), CancelTimer("total"))
    assert state.phase is Phase.TALKING
    assert next_step(state, Dtmf("c1", "7", "rfc4733"))[1] == (do.JudgeDigit("7"),)
    assert next_step(state, Dtmf("c1", "#", "rfc4733"))[1] == (do.JudgeDigit("#"),)
    assert next_step(state, Dtmf("c1", "*", "rfc4733"))[1] == (do.TellCode(),)


def test_a_gateway_that_sends_each_key_in_two_ways_is_heard_once() -> None:
    state = after(CONFIRMING, Dtmf("c1", "1", "rfc4733"), Dtmf("c1", "1", "info"))
    assert next_step(state, Dtmf("c1", "7", "info"))[1] == ()
    assert next_step(state, Dtmf("c1", "7", "rfc4733"))[1] == (do.JudgeDigit("7"),)


NO_DIGITS: list[tuple[str, Door, str]] = [
    ("before anybody rings", calling(3), "1"),
    ("in early media", calling(3, Phase.RINGING), "1"),
    ("another key before the confirmation", CONFIRMING, "4"),
    ("a key of a HomeLink's screen", replace(calling(0, Phase.TALKING), digits_by="rfc4733"), "1"),
    ("a key of a phone app", replace(calling(1, Phase.TALKING), digits_by="rfc4733"), "1"),
    ("while the next way begins", calling(3, Phase.CHANGING), "1"),
]


@pytest.mark.parametrize(("state", "digit"), [row[1:] for row in NO_DIGITS], ids=[row[0] for row in NO_DIGITS])
def test_digits_mean_nothing(state: Door, digit: str) -> None:
    assert next_step(state, Dtmf("c1", digit, "rfc4733")) == (state, ())


def test_a_person_who_is_just_asked_may_still_say_so_when_time_is_over_but_no_further_stage_begins() -> None:
    more = replace(CONFIRMING, ways=(*CONFIRMING.ways, GUARD))
    late = after(more, TimerExpired("total"))
    assert after(late, Dtmf("c1", "1", "info")).phase is Phase.TALKING
    state, actions = next_step(late, TimerExpired("confirming"))
    assert actions[0] == HangUp("c1", "no-answer")
    assert state.outcome is Outcome.NO_ANSWER
    changing, actions = next_step(more, TimerExpired("confirming"))
    assert do.StopVoice() in actions  # the question is asked no more
    assert called(next_step(changing, Ended("c1", 200, ""))[1]) == [GUARD]


# --- what is said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_that_may_be_asked_for_exists(language: str) -> None:
    stages = [f"calling-{way.stage}" for way in (*WAYS, GUARD)]
    ends = ["no-answer", "busy", "declined", "unreachable", "guards-busy", "your-position", *"0123456789"]
    missing = [name for name in (*stages, *ends) if not (FOLDER / language / f"{name}.opus").is_file()]
    assert missing == []
