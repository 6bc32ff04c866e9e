"""Opening a door from inside a call: the challenge, the signed answer, who may, and the record of every attempt.

A door puts a random challenge into its INVITE. A resident's device answers, inside the confirmed call, with an Ed25519
signature (RFC 8032) over ``intercom-unlock-v1|<challenge>|<session-id>|<flat>|<device>``. Each challenge counts once.
"""

import base64
import binascii
import json
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from endpoints.errors import EndpointError

UNLOCK_TYPE = "application/vnd.intercom.unlock+json"
RESULT_TYPE = "application/vnd.intercom.unlock-result+json"
CHALLENGE_HEADER = "X-Intercom-Challenge"
LONGEST_MESSAGE = 1024


class UnlockMessageError(EndpointError, ValueError):
    """The body of an unlock message, or of its result, cannot be understood; the text says what was wrong."""


class Reason(StrEnum):
    """Why a door opened, or did not."""

    GRANTED = "granted"
    MALFORMED = "malformed"
    NOT_IN_CALL = "not-in-call"
    TOO_MANY = "too-many"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    FOREIGN_CHALLENGE = "foreign-challenge"
    UNKNOWN_DEVICE = "unknown-device"
    WRONG_SIGNATURE = "wrong-signature"
    WRONG_CODE = "wrong-code"
    LOCK_FAILED = "lock-failed"


@dataclass(frozen=True, slots=True)
class Request:
    """What a resident's device sends."""

    device: str
    challenge: str
    signature: bytes

    def to_json(self) -> str:
        """The body of the INFO."""
        signature = base64.b64encode(self.signature).decode()
        return json.dumps({"device": self.device, "challenge": self.challenge, "signature": signature})

    @classmethod
    def from_json(cls, body: str) -> "Request":
        """Raises UnlockMessageError."""
        texts = _texts(body, "device", "challenge", "signature")
        try:
            signature = base64.b64decode(texts["signature"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnlockMessageError("an unlock message whose signature is not base64") from error
        return cls(texts["device"], texts["challenge"], signature)


@dataclass(frozen=True, slots=True)
class Result:
    """What the door answers; `challenge` is the one to sign next time, "" if there is no next time."""

    granted: bool
    reason: str
    challenge: str = ""

    def to_json(self) -> str:
        """The body of the INFO."""
        return json.dumps({"granted": self.granted, "reason": self.reason, "challenge": self.challenge})

    @classmethod
    def from_json(cls, body: str) -> "Result":
        """Raises UnlockMessageError."""
        texts = _texts(body, "reason", "challenge")
        granted = _object(body).get("granted")
        if not isinstance(granted, bool):
            raise UnlockMessageError("an unlock result that says neither granted nor refused")
        return cls(granted, texts["reason"], texts["challenge"])


def _object(body: str) -> Mapping[str, object]:
    if len(body) > LONGEST_MESSAGE:
        raise UnlockMessageError(f"an unlock message of {len(body)} characters, more than {LONGEST_MESSAGE}")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnlockMessageError("an unlock message that is not JSON") from error
    if not isinstance(content, dict):
        raise UnlockMessageError("an unlock message that is not a JSON object")
    return content


def _texts(body: str, *names: str) -> dict[str, str]:
    content = _object(body)
    texts = {name: value for name in names if isinstance(value := content.get(name), str)}
    missing = [name for name in names if name not in texts]
    if missing:
        raise UnlockMessageError(f"an unlock message without {', '.join(missing)}")
    return texts


# --- keys -----------------------------------------------------------------------------------------------------------


def statement(challenge: str, session_id: str, flat: str, device: str) -> bytes:
    """The bytes that are signed."""
    return f"intercom-unlock-v1|{challenge}|{session_id}|{flat}|{device}".encode()


def sign(private_key: str, challenge: str, session_id: str, flat: str, device: str) -> Request:
    """The request that opens the door; `private_key` is base64 of the 32 raw bytes. Raises ValueError for a bad key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key, validate=True))
    return Request(device, challenge, key.sign(statement(challenge, session_id, flat, device)))


def verify(public_key: str, request: Request, session_id: str, flat: str) -> bool:
    """Whether `request` was signed by the owner of `public_key` (base64 of 32 raw bytes); a bad key is a no."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(request.signature, statement(request.challenge, session_id, flat, request.device))
    except (InvalidSignature, ValueError):
        return False
    return True


# --- the door's judgement -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one attempt; `result` goes back to the device."""

    device: str
    flat: str
    session_id: str
    result: Result


@dataclass(slots=True)
class _Visit:
    session_id: str
    flat: str
    keys: Mapping[str, str]
    challenge: str
    issued: float
    used: set[str] = field(default_factory=set)


class UnlockJudge:
    """Decides for one door: one visit at a time, each challenge once, `most` attempts within `window` seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        lifetime: float = 300.0,
        most: int = 5,
        window: float = 10.0,
    ) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._most = most
        self._window = window
        self._attempts: deque[float] = deque()
        self._visit: _Visit | None = None

    def begin(self, session_id: str, flat: str, keys: Mapping[str, str]) -> str:
        """A visit to `flat` begins, whose devices have these public keys (base64); gives the first challenge."""
        self._visit = _Visit(session_id, flat, dict(keys), _challenge(), self._clock())
        return self._visit.challenge

    @property
    def challenge(self) -> str:
        """What has to be signed now, "" between visits."""
        return self._visit.challenge if self._visit else ""

    def end(self) -> None:
        """The visit is over: what it issued opens nothing any more."""
        self._visit = None

    def judge(self, body: str, in_call: bool) -> Verdict:
        """Judge one unlock message; `in_call` says that it came inside the visit's confirmed call."""
        visit = self._visit
        if self._too_many():
            return self._verdict("", visit, Reason.TOO_MANY)
        try:
            request = Request.from_json(body)
        except UnlockMessageError:
            return self._verdict("", visit, Reason.MALFORMED)
        if visit is None or not in_call:
            return self._verdict(request.device, visit, Reason.NOT_IN_CALL)
        return self._verdict(request.device, visit, self._reason(visit, request))

    def _reason(self, visit: _Visit, request: Request) -> Reason:
        if request.challenge in visit.used:
            return Reason.REPLAYED
        if not secrets.compare_digest(request.challenge.encode(), visit.challenge.encode()):
            return Reason.FOREIGN_CHALLENGE
        expired = self._clock() - visit.issued > self._lifetime
        self._renew(visit)
        return Reason.EXPIRED if expired else _proof(visit, request)

    def _too_many(self) -> bool:
        now = self._clock()
        while self._attempts and now - self._attempts[0] > self._window:
            self._attempts.popleft()
        if len(self._attempts) >= self._most:
            return True
        self._attempts.append(now)
        return False

    def _renew(self, visit: _Visit) -> None:
        visit.used.add(visit.challenge)
        visit.challenge, visit.issued = _challenge(), self._clock()

    def _verdict(self, device: str, visit: _Visit | None, reason: Reason) -> Verdict:
        granted = reason is Reason.GRANTED
        if visit is None:
            return Verdict(device, "", "", Result(granted, reason))
        return Verdict(device, visit.flat, visit.session_id, Result(granted, reason, visit.challenge))


def _proof(visit: _Visit, request: Request) -> Reason:
    key = visit.keys.get(request.device)
    if key is None:
        return Reason.UNKNOWN_DEVICE
    right = verify(key, request, visit.session_id, visit.flat)
    return Reason.GRANTED if right else Reason.WRONG_SIGNATURE


def _challenge() -> str:
    return secrets.token_urlsafe(24)


# --- the record -----------------------------------------------------------------------------------------------------


class AttemptLog:
    """Append-only JSON lines, one for each attempt to open the door; on the disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()

    def write(self, facts: Mapping[str, object]) -> None:
        """Add one line, with the time (UTC, RFC 3339). Raises OSError if the disk does not take it."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}) + "\n"
        with self._lock:
            os.write(self._file, line.encode())
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file; twice does no harm."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
