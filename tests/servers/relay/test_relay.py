"""A phone on 4G has what is kept at its home, and nobody else has; nothing is open at the home."""

import json
from contextlib import closing
from typing import Any

import pytest

from endpoints.service import Service
from tests.servers.messages.visitors import film, noise, picture
from tests.servers.relay.chain import Chain, Open, connected, eventually, status

pytestmark = pytest.mark.flow("V5")
FLAT, OTHER = "301.lakeside", "302.lakeside"


def listed(phone: Service) -> list[str]:
    answer = phone.request("GET", "/messages")
    assert answer.status == 200, answer
    return [one["id"] for one in json.loads(answer.body)["messages"]]


def test_a_phone_on_4g_has_what_a_visitor_left_at_home(chain: Chain) -> None:
    phone, screen = chain.phone("phone1", FLAT), chain.home.account("indoor1", "indoor")
    left, photo = chain.leaves(film(1.0)), chain.leaves(picture())
    assert set(listed(phone)) == {left.id, photo.id}
    assert phone.request("GET", f"/messages/{left.id}/content").body == left.content
    assert phone.request("GET", f"/messages/{left.id}/thumbnail").body.startswith(b"\xff\xd8\xff")
    with closing(Open(phone, f"/messages/{left.id}/content", {"Range": "bytes=100-299"})) as opened:
        part = opened.answer
        assert (part.status, part.getheader("Content-Range")) == (206, f"bytes 100-299/{len(left.content)}")
        assert part.read() == left.content[100:300]
    assert phone.request("PATCH", f"/messages/{left.id}", b'{"read": true}').status == 200
    seen = json.loads(screen.request("GET", f"/messages/{left.id}").body)
    assert (seen["read"], seen["read_by"]) == (True, "phone1")
    assert phone.request("DELETE", f"/messages/{photo.id}").status == 204
    assert listed(phone) == [left.id]
    assert phone.request("PATCH", f"/messages/{left.id}", b'{"seen": 1}').status == 422, "the home's own answer"


def test_what_a_phone_did_is_written_down_with_its_way(chain: Chain) -> None:
    phone, screen, left = chain.phone("phone1", FLAT), chain.home.account("indoor1", "indoor"), chain.leaves(noise())
    phone.request("GET", f"/messages/{left.id}/content")

    def accesses() -> list[dict[str, Any]]:
        answer = screen.request("GET", "/messages/accesses")
        found: list[dict[str, Any]] = json.loads(answer.body)["accesses"]
        return [one for one in found if one["item"] == left.id]

    (access,) = eventually(accesses, bool)
    assert (access["who"], access["way"], access["what"]) == ("phone1", "cloud", "content")


def test_a_home_without_homelink_is_served_by_the_management_server(chain: Chain) -> None:
    phone, screen = chain.phone("phone2", OTHER), chain.management.account("indoor2", "indoor", "302")
    chain.leaves(noise())
    assert listed(phone) == []
    assert phone.request("PUT", "/messages/retention", b'{"days": 7}').status == 204
    assert json.loads(screen.request("GET", "/messages/retention").body) == {"days": 7}


def test_news_come_to_the_phone_at_once(chain: Chain) -> None:
    news = Open(chain.phone("phone1", FLAT), "/messages/events")
    assert news.event() == ("state", {"new": 0, "old": 0})
    left = chain.leaves(noise())
    name, told = news.event()
    assert (name, told["message"]["id"]) == ("added", left.id)
    news.close()


def test_an_endless_answer_ends_at_home_too_when_the_phone_goes(chain: Chain) -> None:
    """One account may listen six times; who is gone does not count."""
    phone = chain.phone("phone1", FLAT)
    listening = [Open(phone, "/messages/events") for _ in range(6)]
    assert [one.event()[0] for one in listening] == ["state"] * 6
    assert status(phone, "/messages/events") == 503, "one too many"
    listening.pop().close()

    def again() -> int:
        listening.append(Open(phone, "/messages/events"))
        return listening[-1].answer.status

    eventually(again, lambda found: found == 200)
    for one in listening:
        one.close()


def test_a_slow_reader_stops_nobody_else(chain: Chain) -> None:
    large = chain.leaves(noise(12_000_000))
    slow = Open(chain.phone("phone1", FLAT), f"/messages/{large.id}/content")
    assert slow.answer.status == 200
    quick = chain.phone("phone2", FLAT)
    small = chain.leaves(noise(300_000))
    assert set(listed(quick)) == {small.id, large.id}
    assert quick.request("GET", f"/messages/{small.id}/content").body == small.content
    assert slow.answer.read() == large.content
    slow.close()


def test_a_server_that_was_away_is_reached_again(chain: Chain) -> None:
    phone, left = chain.phone("phone1", FLAT), chain.leaves(noise())
    for web in (chain.home, chain.management, chain.cloud):
        news = Open(phone, "/messages/events")
        assert news.event()[0] == "state"
        web.stop()
        while news.answer.readline():
            pass
        news.close()
        if web is not chain.cloud:
            answer = eventually(lambda: phone.request("GET", "/messages"), lambda found: found.status == 503)
            assert json.loads(answer.body) == {"detail": "This home is not connected now"}
        web.start()
        connected(phone)
        assert listed(phone) == [left.id]


def test_who_is_no_phone_of_that_home_gets_nothing(chain: Chain) -> None:
    left = chain.leaves(noise())
    paths = ("/messages", f"/messages/{left.id}", f"/messages/{left.id}/content", "/messages/events", "/leases")
    guest, foreign = chain.phone("guest1", "", "guest"), chain.phone("phone9", "301.hillside")
    neighbour = chain.phone("phone2", OTHER)
    for path in paths:
        assert status(chain.cloud.stranger(), path) == 401
        assert status(guest, path) == 403
        assert status(foreign, path) == 503, "that community is not connected"
    assert listed(neighbour) == []
    for path in paths[1:3]:
        assert status(neighbour, path) == 404
    assert neighbour.request("DELETE", f"/messages/{left.id}").status == 404
    assert status(guest, "/relay") == status(neighbour, "/relay") == 403
    assert listed(chain.phone("phone1", FLAT)) == [left.id]


@pytest.mark.parametrize("home", ["301", "301.lakeside", "home"])
def test_nobody_outside_speaks_for_a_phone(chain: Chain, home: str) -> None:
    left = chain.leaves(noise())
    forged = {"Intercom-Caller": f"name=phone1&kind=phone&home={home}&way=cloud"}
    with closing(Open(chain.phone("phone2", OTHER), f"/messages/{left.id}/content", forged)) as neighbour:
        assert neighbour.answer.status == 404
    stranger = Service(chain.home.url, "nobody", "wrong", chain.home.authority)
    for at in (stranger, chain.management.account("door1", "door")):
        with closing(Open(at, "/messages", forged)) as refused:
            assert refused.answer.status in (401, 403)
