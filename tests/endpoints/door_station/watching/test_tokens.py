"""Whose tokens are good at a door, for how long, and how often a wrong one may be tried."""

import base64
import json
from collections.abc import Callable
from http import HTTPStatus

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.api_jws import PyJWS

from endpoints.door_station.watching.tokens import LONGEST, Patience, Permit, Refused, TokenJudge

NOW = 1_800_000_000.0
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
GOOD = {"iss": "homelink:home301", "sub": "indoor1", "aud": "door1", "exp": NOW + 60, "jti": "l1", "viewers": 2}


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@pytest.fixture
def judge() -> TokenJudge:
    made = TokenJudge("door1", lambda: NOW)
    made.trust({"homelink:home301": public(KEY), "management:lakeside": public(OTHER)})
    return made


def test_a_good_token_grants_what_it_says(judge: TokenJudge) -> None:
    assert judge.judge(jwt.encode(GOOD, KEY, "EdDSA")) == Permit("homelink:home301", "indoor1", "l1", 2, NOW + 60)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"aud": "door2"}, HTTPStatus.FORBIDDEN),
        ({"aud": ["door1"]}, HTTPStatus.FORBIDDEN),
        ({"exp": NOW}, HTTPStatus.UNAUTHORIZED),
        ({"exp": NOW + LONGEST + 60}, HTTPStatus.UNAUTHORIZED),
        ({"exp": "soon"}, HTTPStatus.UNAUTHORIZED),
        ({"exp": True}, HTTPStatus.UNAUTHORIZED),
        ({"exp": float("nan")}, HTTPStatus.UNAUTHORIZED),
        ({"iss": "homelink:home302"}, HTTPStatus.UNAUTHORIZED),
        ({"iss": "management:lakeside"}, HTTPStatus.UNAUTHORIZED),
        ({"iss": ["homelink:home301"]}, HTTPStatus.UNAUTHORIZED),
        ({"viewers": 0}, HTTPStatus.UNAUTHORIZED),
        ({"viewers": True}, HTTPStatus.UNAUTHORIZED),
        ({"viewers": 10**9}, HTTPStatus.UNAUTHORIZED),
        ({"jti": ""}, HTTPStatus.UNAUTHORIZED),
        ({"jti": 5}, HTTPStatus.UNAUTHORIZED),
        ({"sub": "x" * 500}, HTTPStatus.UNAUTHORIZED),
        ({"sub": {}}, HTTPStatus.UNAUTHORIZED),
    ],
)
def test_a_wrong_late_or_foreign_token_is_refused(
    judge: TokenJudge, change: dict[str, object], status: HTTPStatus
) -> None:
    # PyJWT refuses to make some of these, so they are made a level below.
    token = PyJWS().encode(json.dumps({**GOOD, **change}).encode(), KEY, "EdDSA")
    with pytest.raises(Refused) as refused:
        judge.judge(token)
    assert refused.value.status == status


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp", "jti"])
def test_nothing_may_be_missing(judge: TokenJudge, missing: str) -> None:
    with pytest.raises(Refused, match="token"):
        judge.judge(jwt.encode({name: value for name, value in GOOD.items() if name != missing}, KEY, "EdDSA"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "no token",
        lambda: "a.b.c",
        lambda: "x" * 10_000,
        lambda: jwt.encode(GOOD, OTHER, "EdDSA"),
        lambda: jwt.encode(GOOD, public(KEY), "HS256"),
        lambda: PyJWS().encode(json.dumps(GOOD).encode(), "", None),
        lambda: jwt.encode(GOOD, KEY, "EdDSA")[:-4],
        lambda: "\udcff.ü.\0",
    ],
)
def test_what_is_no_token_of_ours_is_refused(judge: TokenJudge, make: Callable[[], str]) -> None:
    with pytest.raises(Refused) as refused:
        judge.judge(make())
    assert refused.value.status == HTTPStatus.UNAUTHORIZED


def test_a_server_that_the_directory_names_no_more_lets_nobody_in(judge: TokenJudge) -> None:
    judge.trust({"management:lakeside": public(OTHER)})
    with pytest.raises(Refused, match="nobody known"):
        judge.judge(jwt.encode(GOOD, KEY, "EdDSA"))


def test_an_address_with_too_many_wrong_tokens_has_to_wait_and_others_need_not() -> None:
    now = 0.0
    patience = Patience(lambda: now)
    for _ in range(Patience.TRIES):
        assert not patience.exhausted("10.0.0.9")
        patience.failed("10.0.0.9")
    assert patience.exhausted("10.0.0.9")
    assert not patience.exhausted("10.0.0.8")
    now = Patience.SECONDS + 1
    assert not patience.exhausted("10.0.0.9")


def test_a_flood_of_addresses_takes_no_memory() -> None:
    patience = Patience(lambda: 0.0)
    for number in range(5000):
        patience.failed(f"10.1.{number // 250}.{number % 250}")
    assert len(patience._failed) == Patience.ADDRESSES
