"""The control protocol's encoding: what goes out comes back, and bad bytes are a ValueError."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.errors import MediaRelayError
from servers.media_relay import ng

VALUES = st.recursive(
    st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


@given(VALUES)
def test_what_goes_out_comes_back(value: object) -> None:
    assert ng.bdecode(ng.bencode(value)) == value


@given(st.binary())
def test_bad_bytes_are_a_value_error(data: bytes) -> None:
    try:
        ng.bdecode(data)
    except ValueError:
        return


@pytest.mark.parametrize("data", [b"", b"i1", b"5:ab", b"-1:a", b"d1:ae", b"i1ei2e", b"l", b"dlei1ee", b"x"])
def test_broken_values_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ng.bdecode(data)


def test_nobody_there_is_a_sentence() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert not ng.ping(silent.getsockname(), 0.05)
        with pytest.raises(MediaRelayError, match="does not answer"):
            ng.calls(silent.getsockname(), 0.05)


@pytest.mark.parametrize("answer", [b"garbage", b"le"])
def test_an_answer_that_is_none_is_a_sentence(answer: bytes) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as odd:
        odd.bind(("127.0.0.1", 0))

        def reply() -> None:
            question, sender = odd.recvfrom(4096)
            odd.sendto(question.split(b" ")[0] + b" " + answer, sender)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(MediaRelayError, match="answer"):
            ng.calls(odd.getsockname(), 10)
        thread.join()
