"""Tokens that a door believes: JWT (RFC 7519) signed with the Ed25519 key (RFC 8037) of a server."""

import base64
import os
import secrets
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from servers.watching.errors import KeyTrouble

_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
_PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Signer:
    """The key lies in a file of mode 0600, which is made when there is none. Raises KeyTrouble."""

    def __init__(self, path: Path, issuer: str) -> None:
        """`issuer` is the `iss` of its tokens, by which a door finds the public key."""
        self.issuer = issuer
        try:
            self._key = _read(path) if path.exists() else _make(path)
        except OSError as error:
            raise KeyTrouble(f"the key in {path} cannot be used: {error.strerror}") from error

    @property
    def public_key(self) -> str:
        """Base64 of 32 bytes."""
        return base64.b64encode(self._key.public_key().public_bytes(*_RAW)).decode("ascii")

    def token(self, who: str, door: str, until: datetime, lease: str, viewers: int) -> str:
        """Lets its bearer watch that door until then; `viewers` at the same time with this lease."""
        import jwt

        claims = {"iss": self.issuer, "sub": who, "aud": door, "jti": lease, "viewers": viewers}
        return jwt.encode(claims | {"exp": int(until.timestamp())}, self._key, algorithm="EdDSA")


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyTrouble(f"{path} holds no key that can be read") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyTrouble(f"{path} holds no Ed25519 key")
    return key


def _make(path: Path) -> Ed25519PrivateKey:
    """On the disk, whole, before anything is signed with it; whoever is second takes the first one's."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    unfinished.touch(mode=0o600)
    with unfinished.open("wb") as file:
        file.write(key.private_bytes(*_PEM))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return _read(path)
    finally:
        unfinished.unlink()
    return key
