"""`intercom code`: makes the hash of a door code for the site file; codes are kept only as salted scrypt hashes."""

import argparse
import base64
import binascii
import getpass
import hashlib
import hmac
import os
import re
import sys
from collections.abc import Mapping

from pydantic import SecretStr

COST, BLOCK, PARALLEL = 1 << 14, 8, 1
"""About 50 ms and 16 MB for one guess on a desktop (RFC 7914)."""
_CODE = re.compile(r"[0-9]{4,12}")


def hash_code(code: str) -> str:
    """The line for the site file of a code of 4 to 12 digits. Raises ValueError."""
    if not _CODE.fullmatch(code):
        raise ValueError("a door code has 4 to 12 digits")
    salt = os.urandom(16)
    fields = (_scrypt(code, salt, COST, BLOCK, PARALLEL), salt)
    digest, salt_text = (base64.b64encode(field).decode() for field in fields)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${salt_text}${digest}"


def whose(code: str, codes: Mapping[str, SecretStr]) -> str | None:
    """The name whose code this is, or None. Always tries every code, so that time tells nothing."""
    names = [name for name, kept in codes.items() if _matches(code, kept.get_secret_value())]
    return names[0] if names else None


def check_form(name: str, kept: str) -> None:
    """Raise ValueError, without repeating what was written, unless `kept` is a line of `hash_code`."""
    try:
        _parse(kept)
    except ValueError:
        raise ValueError(f"{name} is not a hashed code; make one with `intercom code`") from None


def _matches(code: str, kept: str) -> bool:
    cost, block, parallel, salt, digest = _parse(kept)
    return hmac.compare_digest(_scrypt(code, salt, cost, block, parallel), digest)


def _scrypt(code: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    memory = 256 * cost * block * parallel
    return hashlib.scrypt(code.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=memory, dklen=32)


def _parse(kept: str) -> tuple[int, int, int, bytes, bytes]:
    scheme, cost, block, parallel, salt, digest = kept.split("$")
    if scheme != "scrypt" or not 1024 <= int(cost) <= 1 << 17 or int(cost) & (int(cost) - 1):
        raise ValueError("unknown scheme or cost")
    if not 1 <= int(block) <= 16 or not 1 <= int(parallel) <= 4:
        raise ValueError("unreasonable scrypt parameters")
    try:
        return int(cost), int(block), int(parallel), _bytes(salt, 16), _bytes(digest, 32)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _bytes(text: str, length: int) -> bytes:
    found = base64.b64decode(text, validate=True)
    if len(found) != length:
        raise ValueError("wrong length")
    return found


def main(argv: list[str]) -> int:
    """`intercom code [NAME]`: ask for a door code, print its line for [codes] of a site file."""
    parser = argparse.ArgumentParser("intercom code", description="Make the [codes] line of a door code.")
    parser.add_argument("name", nargs="?", default="residents", help="whose code it is; written down at each use")
    name = parser.parse_args(argv).name
    code = getpass.getpass("Door code: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    try:
        print(f'{name} = "{hash_code(code)}"')
    except ValueError as error:
        print(f"intercom code: {error}", file=sys.stderr)
        return 2
    return 0
