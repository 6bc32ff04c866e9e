"""Unlock keys: the pair, and the command that prints it."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from endpoints.config.keys import main, new_pair


def test_what_the_private_key_signs_the_public_key_verifies() -> None:
    private, public = (base64.b64decode(text) for text in new_pair())
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(b"open")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, b"open")


def test_the_command_prints_a_line_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["indoor1"]) == 0
    assert re.findall(r'^(\w+) = "[A-Za-z0-9+/]{43}="$', capsys.readouterr().out, re.MULTILINE) == ["key", "indoor1"]
