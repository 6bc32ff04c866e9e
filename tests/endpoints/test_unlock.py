"""Opening a door from inside a call: what is granted, what is refused and why, and that it is written down."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from endpoints.unlock import AttemptLog, Reason, Request, Result, UnlockJudge, UnlockMessageError, sign, verify


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """One device's pair of keys."""

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        self.private = base64.b64encode(key.private_bytes_raw()).decode()
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()


INDOOR, STRANGER = Keys(), Keys()
FIELDS = st.sampled_from(["device", "challenge", "signature", "granted", "reason"])


class Scene:
    """A visit to flat 301, and a device that wants to open the door."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.judge = UnlockJudge(self.clock)
        self.challenge = self.judge.begin("session", "301", {"indoor1": INDOOR.public})

    def body(
        self, challenge: str | None = None, keys: Keys = INDOOR, device: str = "indoor1", flat: str = "301"
    ) -> str:
        return sign(keys.private, challenge or self.challenge, "session", flat, device).to_json()

    def reason(self, body: str, in_call: bool = True) -> str:
        return self.judge.judge(body, in_call).result.reason


def test_the_right_device_opens_the_door_and_gets_the_next_challenge() -> None:
    scene = Scene()
    verdict = scene.judge.judge(scene.body(), in_call=True)
    assert verdict.result.granted
    assert (verdict.device, verdict.flat, verdict.session_id) == ("indoor1", "301", "session")
    assert verdict.result.challenge not in ("", scene.challenge)
    assert scene.reason(scene.body(verdict.result.challenge)) == Reason.GRANTED


def test_a_replay_is_refused() -> None:
    scene = Scene()
    body = scene.body()
    assert scene.reason(body) == Reason.GRANTED
    assert scene.reason(body) == Reason.REPLAYED


def test_a_wrong_attempt_uses_the_challenge_up() -> None:
    scene = Scene()
    assert scene.reason(scene.body(keys=STRANGER)) == Reason.WRONG_SIGNATURE
    assert scene.reason(scene.body()) == Reason.REPLAYED


@pytest.mark.parametrize("in_call", [True, False])
def test_after_the_visit_nothing_opens(in_call: bool) -> None:
    scene = Scene()
    body = scene.body()
    scene.judge.end()
    assert scene.reason(body, in_call) == Reason.NOT_IN_CALL


def test_before_the_call_is_confirmed_nothing_opens() -> None:
    scene = Scene()
    assert scene.reason(scene.body(), in_call=False) == Reason.NOT_IN_CALL
    assert scene.reason(scene.body()) == Reason.GRANTED


def test_an_old_challenge_has_expired() -> None:
    scene = Scene()
    scene.clock.now += 301
    verdict = scene.judge.judge(scene.body(), in_call=True)
    assert verdict.result.reason == Reason.EXPIRED
    assert scene.reason(scene.body(verdict.result.challenge)) == Reason.GRANTED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda scene: scene.body(challenge="another call's"), Reason.FOREIGN_CHALLENGE),
        (lambda scene: scene.body(device="neighbour"), Reason.UNKNOWN_DEVICE),
        (lambda scene: scene.body(keys=STRANGER), Reason.WRONG_SIGNATURE),
        (lambda scene: scene.body(flat="302"), Reason.WRONG_SIGNATURE),
        (lambda scene: Request("indoor1", scene.challenge, b"").to_json(), Reason.WRONG_SIGNATURE),
        (lambda scene: "open sesame", Reason.MALFORMED),
    ],
)
def test_foreign_and_unproven_attempts_are_refused(body: object, reason: Reason) -> None:
    scene = Scene()
    assert callable(body)
    verdict = scene.judge.judge(body(scene), in_call=True)
    assert (verdict.result.granted, verdict.result.reason) == (False, reason)


def test_another_visits_challenge_is_foreign() -> None:
    scene = Scene()
    body = scene.body()
    scene.judge.begin("session", "301", {"indoor1": INDOOR.public})
    assert scene.reason(body) == Reason.FOREIGN_CHALLENGE


def test_attempts_are_limited_and_the_limit_passes() -> None:
    scene = Scene()
    for _ in range(5):
        assert scene.reason(scene.body(challenge="guess")) == Reason.FOREIGN_CHALLENGE
    assert scene.reason(scene.body()) == Reason.TOO_MANY
    scene.clock.now += 11
    assert scene.reason(scene.body()) == Reason.GRANTED


def test_a_key_that_is_none_verifies_nothing() -> None:
    request = sign(INDOOR.private, "c", "s", "301", "indoor1")
    assert verify(INDOOR.public, request, "s", "301")
    assert not verify("no key", request, "s", "301")
    assert not verify(base64.b64encode(b"short").decode(), request, "s", "301")


@given(st.text())
def test_whatever_text_comes_is_no_proof(body: str) -> None:
    scene = Scene()
    assert not scene.judge.judge(body, in_call=True).result.granted


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(FIELDS, inner), max_leaves=5))
def test_whatever_json_comes_is_no_proof(content: object) -> None:
    scene = Scene()
    assert not scene.judge.judge(json.dumps(content), in_call=True).result.granted


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("[]", "not a JSON object"),
        ("{}", "without device, challenge, signature"),
        ('{"device": 1, "challenge": "c", "signature": ""}', "without device"),
        ('{"device": "d", "challenge": "c", "signature": "%%"}', "not base64"),
        ("[" * 1000, "not JSON"),
        (" " * 1025, "1025 characters"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(body: str, what: str) -> None:
    with pytest.raises(UnlockMessageError, match=what):
        Request.from_json(body)


def test_a_result_says_yes_or_no() -> None:
    assert Result.from_json(Result(True, "granted", "next").to_json()) == Result(True, "granted", "next")
    with pytest.raises(UnlockMessageError, match="neither granted nor refused"):
        Result.from_json('{"granted": "yes", "reason": "", "challenge": ""}')


def test_attempts_are_appended_for_their_owner_only_and_survive_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "data" / "unlock.jsonl"
    for who in ("indoor1", "stranger"):
        attempts = AttemptLog(path)
        attempts.write({"who": who, "granted": who == "indoor1"})
        attempts.close()
        attempts.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["who"], line["granted"]) for line in lines] == [("indoor1", True), ("stranger", False)]
    assert lines[0]["time"].endswith("+00:00")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
