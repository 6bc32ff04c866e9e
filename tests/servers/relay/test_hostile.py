"""Hostile requests of every kind that the services describe: none breaks a server, none shows another home's things."""

import json
import re
import ssl
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import strategies as st
from schemathesis import GenerationMode

from servers.community.authority import Role
from servers.database import Database
from servers.directory.entries import Flat
from servers.directory.store import DirectoryStore
from servers.relay.paths import passes
from tests.servers.http.services import Web
from tests.servers.messages.visitors import TOKEN, Left, noise, picture
from tests.servers.relay.chain import Chain
from tests.servers.relay.hostile import Case, Client, Operation, Reply, each_case, operations

pytestmark = pytest.mark.flow("V5")
FLAT, OTHER = "301.lakeside", "302.lakeside"
TUS = {"Tus-Resumable": "1.0.0"}
JSON = {"Content-Type": "application/json"}
RECORD = "record-of-301"


@pytest.fixture
def number(request: pytest.FixtureRequest) -> int:
    found: int = request.config.getoption("--hostile")
    return found


@pytest.mark.parametrize("way", ["home", "relay"])
def test_no_request_breaks_a_server(chain: Chain, way: str, number: int) -> None:
    left = chain.leaves(picture())
    service = chain.home.account("indoor1", "indoor") if way == "home" else chain.phone("phone1", FLAT)

    def check(case: Case) -> None:
        reply = (door if case.path.startswith("/uploads") else client).send(case)
        away = reply.status == 503 and case.path in ("/directory", "/health")
        assert reply.status < 500 or away, (case, reply)

    with closing(Client(service)) as client, closing(Client(chain.home.stranger(), f"Bearer {TOKEN}")) as door:
        for operation in operations(chain.home):
            if way == "home" or passes(operation.path):
                each_case(cases(operation, left.id), number, check)


def cases(operation: Operation, known: str) -> st.SearchStrategy[Case]:
    """As they should be, and not; some about something that is there."""
    fixed: dict[str, Any] = {"headers": TUS} if operation.path.startswith("/uploads") else {}
    made = [operation.as_strategy(**fixed)]
    if "{identifier}" in operation.path:
        made.append(operation.as_strategy(path_parameters={"identifier": known}, **fixed))
    if operation.path_parameters or operation.query or operation.body:
        made.append(operation.as_strategy(GenerationMode.NEGATIVE, **fixed))
    return st.one_of(made)


@dataclass(frozen=True)
class Home:
    """A home at the server that keeps its messages."""

    web: Web
    owner: Client
    token: str
    """Of its deposit."""
    left: Left
    half: Left
    """An upload that is not finished."""
    lease: str
    """Of a door, if it has one to watch."""

    def fill(self, context: ssl.SSLContext) -> None:
        """With a message that is seen, half an upload, and a record of a call."""
        self.left.hand_in(self.web.url, self.token, context)
        with closing(Client(self.web.stranger(), f"Bearer {self.token}")) as door:
            begin = {"Upload-Length": str(len(self.half.content)), "Upload-Metadata": self.half.metadata}
            assert door.ask("POST", "/uploads", TUS | begin, None).status == 201
        told = {"session_id": self.left.session_id, "started": "2026-11-23T10:00:00Z", "result": "no-answer"}
        assert self.owner.ask("PUT", f"/records/{RECORD}", JSON, json.dumps(told).encode()).status == 201
        assert self.owner.ask("PATCH", f"/messages/{self.left.id}", JSON, b'{"read": true}').status == 200

    @property
    def state(self) -> list[bytes]:
        """All that it has."""
        paths = (
            "/messages",
            "/leases",
            f"/messages/{self.left.id}/content",
            "/messages/retention",
            f"/records/{RECORD}",
        )
        found = [self.owner.ask("GET", path, {}, None).body for path in paths]
        with closing(Client(self.web.stranger(), f"Bearer {self.token}")) as door:
            return [*found, door.ask("HEAD", f"/uploads/{self.half.id}", TUS, None).headers["upload-offset"].encode()]

    def seen_in(self, reply: Reply, asked: str) -> list[bytes]:
        """What an answer shows of it, but for what was in the question."""
        facts = (
            self.left.id,
            self.half.id,
            RECORD,
            self.lease,
            self.left.facts["sha256"],
            self.token,
            self.left.session_id,
        )
        told = reply.body + str(reply.headers).encode()
        words = [one.encode() for one in facts if one not in asked]
        return [one for one in (*words, self.left.content[100:150]) if one in told]


@pytest.fixture(params=["homelink", "management"])
def home(request: pytest.FixtureRequest, chain: Chain) -> Iterator[Home]:
    """Flat 301, which has a HomeLink, and flat 303, which has none."""
    left, half = replace(picture(), session_id=uuid.uuid4().hex), noise()
    if request.param == "homelink":
        web, owner, token = chain.home, chain.home.account("indoor1", "indoor"), TOKEN
    else:
        web, owner = chain.management, chain.management.account("indoor303", "indoor", "303")
        token = deposit(web, "303")
    with closing(Client(owner)) as client:
        wish = client.ask("POST", "/leases", JSON, b'{"target": "door1", "seconds": 600}')
        lease = json.loads(wish.body)["id"] if wish.status == 201 else "no-lease"
        assert (lease != "no-lease") == (web is chain.home), wish
        home = Home(web, client, token, left, half, lease)
        home.fill(chain.trusting)
        yield home


def deposit(web: Web, flat: str) -> str:
    """The token of a flat's deposit, as doors are told it."""
    database = Database(web.site.database_url)
    store = DirectoryStore(database)
    if flat not in store.edition().flats:
        store.set_flat(flat, Flat(name="Family"))
    database.close()
    door = web.account(f"door-{flat}", "door")
    token: str = json.loads(door.request("GET", "/directory").body)["flats"][flat]["messages"]["token"]
    return token


def foreigners(chain: Chain, home: Home) -> Iterator[tuple[str, Client]]:
    """Everybody who has some right somewhere, but not in this home."""
    neighbour = f"Bearer {deposit(chain.management, '302')}"
    yield "nobody", Client(home.web.stranger())
    yield "the deposit of another home", Client(home.web.stranger(), neighbour)
    yield "the deposit of this home", Client(home.web.stranger(), f"Bearer {home.token}")
    yield "another HomeLink", Client(home.web.certificate(Role.HOMELINK, "homelink-301"))
    yield "a phone of another home", Client(chain.phone("phone2", OTHER))
    yield "a phone of another community", Client(chain.phone("phone3", "301.hillside"))
    yield "a guest on 4G", Client(chain.phone("guest1", "", "guest"))
    if home.web is chain.management:
        yield "a screen of another home", Client(home.web.account("indoor2", "indoor", "302"))
        yield "a guest", Client(home.web.account("guest2", "guest"))


def about(path: str, home: Home) -> list[str]:
    """A path, with each of the home's ids that may belong there; in one that is new, all of them."""
    known = {"/messages": [home.left.id], "/uploads": [home.left.id, home.half.id], "/records": [RECORD]}
    known |= {"/leases": [home.lease], "/directory/flats": ["301", "303"], "/directory/consoles": ["console1"]}
    every = [one for ids in known.values() for one in ids]
    ids = next((found for begin, found in known.items() if path.startswith(begin)), every)
    return [re.sub(r"\{.*?\}", one, path) for one in ids] if "{" in path else [path]


def unfit(path: str) -> set[str]:
    """Who has a right to that, or is known not to get beyond the cloud server by it."""
    own = {"the deposit of this home"} if path.startswith("/uploads") else set()
    return own if passes(path) else own | {"a phone of another home", "a phone of another community", "a guest on 4G"}


def test_another_home_sees_and_changes_nothing_by_any_request(chain: Chain, home: Home, number: int) -> None:
    """Every request that the service describes, with each id of the home, by everybody who is not of it."""
    before, asked = home.state, 0
    with ExitStack() as stack:
        clients = {who: stack.enter_context(closing(client)) for who, client in foreigners(chain, home)}

        def check(case: Case) -> None:
            nonlocal asked
            for path, who in product(about(case.path, home), clients):
                if who in unfit(path):
                    continue
                reply, asked = clients[who].send(case, path), asked + 1
                assert not home.seen_in(reply, path), (who, case, path, reply)
                own = path == case.path or (path.startswith("/records/") and RECORD not in path)
            assert reply.status >= 400 or own, (who, case, path, reply)

        for operation in operations(home.web):
            each_case(operation.as_strategy(headers=TUS), number or 1, check)
        assert asked > 100
        assert home.state == before
