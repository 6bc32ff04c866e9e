"""Door codes: the hash, and the command that makes one."""

import io

import pytest
from pydantic import SecretStr

from endpoints.config.codes import check_form, hash_code, main, whose


def test_the_same_code_has_another_hash_each_time() -> None:
    first, second = hash_code("4711"), hash_code("4711")
    assert first != second
    assert "4711" not in first.split("$")[4:]
    assert whose("4711", {"post": SecretStr(second)}) == "post"


@pytest.mark.parametrize("code", ["", "123", "1234567890123", "12a4", "12 34", "١٢٣٤"])
def test_a_code_has_4_to_12_digits(code: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        hash_code(code)


SALT, DIGEST = "A" * 22 + "==", "A" * 43 + "="


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "4711",
        f"scrypt$16384$8$1${SALT}",
        f"md5$16384$8$1${SALT}${DIGEST}",
        f"scrypt$3$8$1${SALT}${DIGEST}",
        f"scrypt$99999999$8$1${SALT}${DIGEST}",
        f"scrypt$16384$8$9${SALT}${DIGEST}",
        f"scrypt$sixteen$8$1${SALT}${DIGEST}",
        f"scrypt$16384$8$1$!${DIGEST}",
        f"scrypt$16384$8$1$AAAA${DIGEST}",
        f"scrypt$16384$8$1${SALT}$AAAA",
    ],
)
def test_what_is_not_a_hash_is_refused_without_repeating_it(kept: str) -> None:
    with pytest.raises(ValueError, match="post is not a hashed code") as caught:
        check_form("post", kept)
    assert not kept or kept not in str(caught.value)


def test_a_hash_of_the_right_form_is_accepted() -> None:
    check_form("post", f"scrypt$16384$8$1${SALT}${DIGEST}")


def test_the_command_prints_the_line_for_the_site_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("4711\n"))
    assert main(["post"]) == 0
    name, kept = capsys.readouterr().out.strip().split(" = ")
    assert name == "post"
    assert whose("4711", {"post": SecretStr(kept.strip('"'))}) == "post"


def test_the_command_refuses_a_bad_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert main([]) == 2
    assert "4 to 12 digits" in capsys.readouterr().err
