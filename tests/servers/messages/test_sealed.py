"""Files at rest: any part can be read alone, nothing can be read or exchanged without the key, a torn end is found."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.messages.errors import Unreadable
from servers.messages.keys import HomeKeys
from servers.messages.sealed import CHUNK, Sealed

KEY = bytes(range(32))
CONTENT = bytes(range(256)) * (3 * CHUNK // 256) + b"the rest"


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    made = Sealed(tmp_path / "item", KEY, "home/item")
    made.create()
    made.append(CONTENT)
    return made


@given(st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT)))
@settings(max_examples=40, deadline=None)
def test_any_part_reads_as_it_was_written(start: int, length: int) -> None:
    with TemporaryDirectory() as folder:
        made = Sealed(Path(folder) / "item", KEY, "home/item")
        made.create()
        made.append(CONTENT)
        assert b"".join(made.read(start, start + length)) == CONTENT[start : start + length]


@given(st.lists(st.binary(max_size=CHUNK // 3), max_size=8))
@settings(max_examples=30, deadline=None)
def test_it_grows_piece_by_piece(pieces: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        made, length = Sealed(Path(folder) / "item", KEY, "home/item"), 0
        made.create()
        for piece in pieces:
            length = made.append(piece)
            assert length == made.length()
        assert b"".join(made.read()) == b"".join(pieces)


def test_nothing_of_it_is_on_the_disk_in_clear(sealed: Sealed, tmp_path: Path) -> None:
    raw = (tmp_path / "item").read_bytes()
    assert CONTENT[:32] not in raw
    assert b"the rest" not in raw
    with pytest.raises(Unreadable):
        list(Sealed(tmp_path / "item", bytes(32), "home/item").read())
    with pytest.raises(Unreadable):
        list(Sealed(tmp_path / "item", KEY, "another/item").read())


def test_chunks_cannot_be_exchanged(sealed: Sealed, tmp_path: Path) -> None:
    path, slot = tmp_path / "item", CHUNK + 28
    raw = path.read_bytes()
    path.write_bytes(raw[slot : 2 * slot] + raw[:slot] + raw[2 * slot :])
    with pytest.raises(Unreadable):
        list(sealed.read(0, CHUNK))
    assert b"".join(sealed.read(2 * CHUNK)) == CONTENT[2 * CHUNK :], "the others can be read yet"


@pytest.mark.parametrize("lost", [1, 30, 35, 36, 37, CHUNK])
def test_a_torn_end_is_cut_off(sealed: Sealed, tmp_path: Path, lost: int) -> None:
    path = tmp_path / "item"
    path.write_bytes(path.read_bytes()[:-lost])
    length = sealed.length()
    assert length in (2 * CHUNK, 3 * CHUNK)
    assert sealed.append(CONTENT[length:]) == len(CONTENT)
    assert b"".join(sealed.read()) == CONTENT


def test_the_key_of_a_home_lies_in_a_file_that_only_the_server_reads(tmp_path: Path) -> None:
    keys = HomeKeys(tmp_path / "keys")
    secret, wrapped = keys.new_item("301")
    assert HomeKeys(tmp_path / "keys").unwrap("301", wrapped) == secret
    assert (tmp_path / "keys" / "301").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Unreadable, match="is missing"):
        keys.unwrap("302", wrapped)
    assert secret not in wrapped.secret
    (tmp_path / "keys" / "301").write_text("no key\n")
    with pytest.raises(Unreadable, match="cannot be used"):
        keys.unwrap("301", wrapped)
