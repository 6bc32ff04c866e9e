"""A call to the guard rings the consoles by priority; who finds all of them talking waits, an emergency first (G1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.records import Result
from tests.servers.calls import ELSEWHERE, answer, end_cancelled, refuse, ring
from tests.servers.network import running_management
from tests.servers.nodes import Node
from tests.servers.peer import Call, Message, Peer

pytestmark = [pytest.mark.kamailio, pytest.mark.flow("G1")]
SETTINGS = "[timers]\nreach = 0.5\n[limits]\nrequests = 1000\n[guards]\nring = 1\n"
TIMERS = f"{SETTINGS}alive = 60\n"
"""Nobody here answers the question whether a console is still there; only where it matters it is asked soon."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_management(tmp_path_factory.mktemp("guards"), "udp", settings=TIMERS) as node:
        yield node


@pytest.fixture
def management(server: Node) -> Iterator[Node]:
    yield server
    server.forget()


@pytest.fixture(scope="module")
def attentive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_management(tmp_path_factory.mktemp("attentive"), "udp", settings=f"{SETTINGS}alive = 1.5\n") as node:
        yield node


@pytest.fixture
def attentive(attentive_server: Node) -> Iterator[Node]:
    """A server that soon finds out that a console is gone."""
    yield attentive_server
    attentive_server.forget()


def console(management: Node, name: str, priority: str = "1.0") -> Peer:
    return management.screen(name, "console", priority=priority)


def visit(management: Node, door: str = "gate1", headers: str = "", to: str = "guard") -> Call:
    return management.peer(door).call(management.uri_of(to), management.add(door, "door"), headers)


def talk(call: Call, guard: Peer) -> Message:
    """The guard answers a call that rings; gives the 200."""
    answer(guard, ring(guard))
    final = call.final()
    assert final.status == 200
    call.ack(final)
    guard.wait_request("ACK")
    return final


def hang_up(call: Call, final: Message, guard: Peer) -> None:
    call.in_dialog("BYE", final)
    guard.respond(guard.wait_request("BYE"), 200, "OK")


def queued(call: Call) -> str:
    """Place in the queue that the caller is told next."""
    return call.wait(lambda m: m.status == 182)["X-Queue-Position"]


@pytest.mark.flow("G2")
def test_guards_of_one_priority_ring_together_and_one_answers(management: Node) -> None:
    guards = [console(management, name) for name in ("desk1", "desk2")]
    call = visit(management)
    invites = [ring(guard) for guard in guards]
    assert invites[0]["P-Asserted-Identity"] == "<sip:gate1@lakeside.example;kind=door>"
    answer(guards[1], invites[1])
    assert end_cancelled(guards[0], invites[0])["Reason"] == ELSEWHERE
    assert call.final().status == 200
    record = management.record_of(call, Result.ANSWERED)
    assert (record.caller, record.called, record.answered_by) == ("gate1", "guard", "desk2")


def test_the_next_priority_rings_when_the_first_does_not_answer(management: Node) -> None:
    first, second = console(management, "desk1"), console(management, "desk2", "0.5")
    call = visit(management)
    invite = ring(first)
    end_cancelled(first, invite)
    talk(call, second)


def test_nobody_on_duty_is_told_at_once(management: Node) -> None:
    final = visit(management).final()
    assert (final.status, final.start) == (480, "SIP/2.0 480 No guard is on duty")


def test_a_guard_who_declines_leaves_it_to_the_others(management: Node) -> None:
    first, second = console(management, "desk1"), console(management, "desk2")
    call = visit(management)
    invites = [ring(first), ring(second)]
    refuse(first, invites[0], 603, "Decline")
    refuse(second, invites[1], 603, "Decline")
    assert call.final().status == 603


def test_when_no_guard_answers_the_caller_hears_408(management: Node) -> None:
    guard = console(management, "desk1")
    call = visit(management)
    end_cancelled(guard, ring(guard))
    assert call.final().status == 408


def test_callers_wait_in_order_and_learn_their_place(management: Node) -> None:
    guard = console(management, "desk1")
    first = visit(management, "gate1")
    talking = talk(first, guard)
    second, third = visit(management, "gate2"), None
    assert queued(second) == "1"
    third = visit(management, "gate3")
    assert queued(third) == "2"
    hang_up(first, talking, guard)
    invite = ring(guard)
    assert "gate2@" in invite["P-Asserted-Identity"]
    assert invite["X-Queue-Waiting"] == "1"
    assert queued(third) == "1"
    answer(guard, invite)
    talking = second.final()
    second.ack(talking)
    guard.wait_request("ACK")
    hang_up(second, talking, guard)
    talk(third, guard)


def test_a_door_comes_before_a_resident_and_an_emergency_before_both(management: Node) -> None:
    guard = console(management, "desk1")
    first = visit(management, "gate1", "Priority: emergency")
    talking = talk(first, guard)
    resident = management.screen("indoor1", home="303")
    from_home = resident.call(management.uri_of("guard"), resident.login)
    assert queued(from_home) == "1"
    from_door = visit(management, "gate2")
    assert queued(from_door) == "1"
    assert queued(from_home) == "2"
    emergency = management.screen("indoor2", home="304")
    in_need = emergency.call(management.uri_of("guard"), emergency.login, "Priority: emergency")
    refuse(guard, ring(guard), 486, "Busy Here")
    assert queued(in_need) == "1"
    assert (queued(from_door), queued(from_home)) == ("2", "3")
    hang_up(first, talking, guard)
    assert "304@" in ring(guard)["P-Asserted-Identity"]


def test_who_gives_up_leaves_the_queue(management: Node) -> None:
    guard = console(management, "desk1")
    talk(visit(management, "gate1"), guard)
    second = visit(management, "gate2")
    assert queued(second) == "1"
    third = visit(management, "gate3")
    assert queued(third) == "2"
    second.cancel()
    assert second.final().status == 487
    assert queued(third) == "1"
    assert management.record_of(second, Result.CANCELLED).code == 487


def test_an_emergency_ends_a_talk_when_no_guard_takes_it_beside(management: Node) -> None:
    guard = console(management, "desk1")
    visitor = visit(management, "gate1")
    talk(visitor, guard)
    emergency = visit(management, "gate2", "Priority: emergency")
    refuse(guard, ring(guard), 486, "Busy Here")
    for peer in (guard, visitor.peer):
        bye = peer.wait_request("BYE")
        assert bye["Reason"] == "preemption;cause=1"
        peer.respond(bye, 200, "OK")
    talk(emergency, guard)


def test_a_guard_can_answer_an_emergency_beside_a_talk(management: Node) -> None:
    guard = console(management, "desk1")
    talk(visit(management, "gate1"), guard)
    talk(visit(management, "gate2", "Priority: emergency"), guard)


def test_a_guard_hands_a_visitor_to_another_guard(management: Node) -> None:
    """REFER goes through the server; the door then calls the other guard by name, who decides even when talking."""
    first, second = console(management, "desk1"), console(management, "desk2", "0.5")
    call = visit(management, "gate1")
    invite = ring(first)
    answer(first, invite)
    final = call.final()
    call.ack(final)
    first.wait_request("ACK")
    call.in_dialog("REFER", final, "Refer-To: <sip:desk2@lakeside.example>")
    assert first.wait_request("REFER")["Refer-To"] == "<sip:desk2@lakeside.example>"
    onward = visit(management, "gate2", to="desk2")
    talk(onward, second)
    assert not [message for message in first.unread if message.start.startswith("INVITE")]


def test_a_guard_calls_back(management: Node) -> None:
    guard, screen = console(management, "desk1"), management.screen("indoor1", home="303")
    call = guard.call(management.uri_of("303"), guard.login)
    invite = ring(screen)
    assert invite["P-Asserted-Identity"] == "<sip:desk1@lakeside.example;kind=console>"
    answer(screen, invite)
    final = call.final()
    assert final.status == 200
    call.ack(final)
    screen.wait_request("ACK")
    visitor = visit(management)
    assert queued(visitor) == "1", "while the guard talks to the flat"
    hang_up(call, final, screen)
    talk(visitor, guard)


def test_all_guards_ring_at_once_where_the_site_says_so(tmp_path: Path) -> None:
    with running_management(tmp_path, "udp", settings=f'{TIMERS}order = "parallel"\n') as management:
        guards = [console(management, "desk1"), console(management, "desk2", "0.1")]
        call = visit(management)
        invites = [ring(guard) for guard in guards]
        answer(guards[1], invites[1])
        end_cancelled(guards[0], invites[0])
        assert call.final().to_tag == "desk2"
        management.forget()


def gone(guard: Peer) -> None:
    """Its power is cut: over UDP nobody hears of it."""
    guard.close()


def told_that_the_guard_is_gone(call: Call) -> None:
    bye = call.peer.wait_request("BYE")
    assert bye["Reason"].startswith("SIP;cause=480")
    call.peer.respond(bye, 200, "OK")


def test_a_console_that_dies_in_a_talk_frees_its_caller_and_the_queue_goes_on(attentive: Node) -> None:
    dies, other = console(attentive, "desk1"), None
    first = visit(attentive, "gate1")
    talk(first, dies)
    waiting = visit(attentive, "gate2")
    assert queued(waiting) == "1"
    gone(dies)
    told_that_the_guard_is_gone(first)
    assert attentive.record_of(first, lambda record: record.ended is not None).answered_by == "desk1"
    other = console(attentive, "desk2")
    talk(waiting, other)


def test_a_console_that_talks_and_answers_questions_goes_on_talking(attentive: Node) -> None:
    guard = console(attentive, "desk1")
    first = visit(attentive, "gate1")
    talking = talk(first, guard)
    for _ in range(3):
        guard.respond(guard.wait_request("OPTIONS"), 200, "OK")
    hang_up(first, talking, guard)


def test_a_caller_whose_guard_dies_while_it_rings_goes_back_into_the_queue(management: Node) -> None:
    dies = console(management, "desk1")
    first = visit(management, "gate1")
    talking = talk(first, dies)
    waiting = visit(management, "gate2")
    assert queued(waiting) == "1"
    hang_up(first, talking, dies)
    ring(dies)
    gone(dies)
    assert queued(waiting) == "1"
    talk(waiting, console(management, "desk2"))


def test_a_console_that_is_started_again_has_no_talk_any_more(management: Node) -> None:
    guard = console(management, "desk1")
    first = visit(management, "gate1")
    talk(first, guard)
    again = management.peer("desk1")
    assert again.register(guard.login, "sip:guard@lakeside.example").status == 200
    told_that_the_guard_is_gone(first)
    talk(visit(management, "gate2"), again)
