"""Who may watch: a JWT (RFC 7519, EdDSA of RFC 8037) of a home's or the community's server, for this door, for minutes.

The servers' public keys come with the directory. A token is good for one lease: for so many watchers, until it ends.
"""

import base64
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt

from endpoints.errors import EndpointError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from jwt.types import Options

LONGEST = 600.0
"""Seconds that a token may be good for."""
CLOCKS = 30.0
"""Seconds by which the clock of who made it may be ahead of ours."""
MOST_VIEWERS = 64
_LONGEST_TOKEN, _LONGEST_NAME = 4096, 128


class Refused(EndpointError):
    """A request that is not granted; `status` as HTTP says it."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Permit:
    """What a token grants."""

    issuer: str
    subject: str
    """Who asked the issuer."""
    lease: str
    viewers: int
    """How many may watch by it at once."""
    expires: float
    """Unix time, seconds."""

    @property
    def key(self) -> tuple[str, str]:
        """The lease, unmistakably: each issuer counts its own."""
        return self.issuer, self.lease


class TokenJudge:
    """Knows whose tokens are good at the door of this name; from any thread."""

    def __init__(self, door: str, clock: Callable[[], float] = time.time) -> None:
        """`clock`: Unix time."""
        self._door, self._clock = door, clock
        self._keys: Mapping[str, Ed25519PublicKey] = {}

    def trust(self, watchers: Mapping[str, str]) -> None:
        """From now on the tokens of these are good, and no others: issuer -> Ed25519 public key, base64."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        load = Ed25519PublicKey.from_public_bytes
        self._keys = {issuer: load(base64.b64decode(key)) for issuer, key in watchers.items()}

    def judge(self, token: str) -> Permit:
        """What `token` grants. Raises Refused."""
        if not token or len(token) > _LONGEST_TOKEN:
            raise Refused(HTTPStatus.UNAUTHORIZED, "no token" if not token else "the token is too long")
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            if not isinstance(issuer, str) or (key := self._keys.get(issuer)) is None:
                raise Refused(HTTPStatus.UNAUTHORIZED, "the token is of nobody known here")
            claims = jwt.decode(token, key, algorithms=["EdDSA"], options=_CHECKS)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refused(HTTPStatus.UNAUTHORIZED, f"the token is not good: {error}") from None
        return self._permit(issuer, claims)

    def _permit(self, issuer: str, claims: Mapping[str, Any]) -> Permit:
        if claims["aud"] != self._door:
            raise Refused(HTTPStatus.FORBIDDEN, "the token is for another door")
        viewers, expires = claims.get("viewers", 1), claims["exp"]
        if type(viewers) is not int or not 0 < viewers <= MOST_VIEWERS or type(expires) not in (int, float):
            raise Refused(HTTPStatus.UNAUTHORIZED, "the token's claims cannot be understood")
        left = expires - self._clock()
        if not left > 0:
            raise Refused(HTTPStatus.UNAUTHORIZED, "the token has expired")
        if left > LONGEST + CLOCKS:
            raise Refused(HTTPStatus.UNAUTHORIZED, f"the token is good for more than {LONGEST:g} s")
        subject, lease = claims["sub"], claims["jti"]
        if not all(isinstance(each, str) and 0 < len(each) <= _LONGEST_NAME for each in (subject, lease)):
            raise Refused(HTTPStatus.UNAUTHORIZED, "the token's claims cannot be understood")
        return Permit(issuer, subject, lease, viewers, float(expires))


_CHECKS: "Options" = {
    "require": ["iss", "sub", "aud", "exp", "jti"],
    "verify_exp": False,
    "verify_aud": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""Signature and presence are the library's; what they mean at this door is judged by its own clock."""


def token_in(query: str) -> str:
    """The token in the query of a URL, for players that can send no header; "" without one."""
    try:
        return parse_qs(query, max_num_fields=16).get("token", [""])[0]
    except ValueError:
        return ""


class Patience:
    """How many wrong tokens are heard of an address before it has to wait."""

    TRIES, SECONDS, ADDRESSES = 10, 60.0, 256

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}

    def exhausted(self, address: str) -> bool:
        """Whether this address has to wait."""
        return len(self._recent(address)) >= self.TRIES

    def failed(self, address: str) -> None:
        """One more wrong token."""
        recent = self._recent(address)
        recent.append(self._clock())
        self._failed.pop(address, None)
        self._failed[address] = recent
        while len(self._failed) > self.ADDRESSES:
            del self._failed[next(iter(self._failed))]

    def _recent(self, address: str) -> deque[float]:
        recent = self._failed.get(address) or deque(maxlen=self.TRIES)
        while recent and recent[0] < self._clock() - self.SECONDS:
            recent.popleft()
        return recent
