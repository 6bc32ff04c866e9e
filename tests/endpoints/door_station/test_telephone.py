"""Opening the door from an ordinary telephone: one code a call, told there alone, used once."""

import pytest

from endpoints.door_station.telephone import FORGOTTEN, TRIES, TelephoneUnlock, masked_number
from endpoints.unlock import Verdict


class Clock:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


def unlock(*codes: str, clock: Clock | None = None) -> TelephoneUnlock:
    return TelephoneUnlock("301", "ab" * 16, "telephone", clock or Clock(), iter(codes).__next__)


def typed(judge: TelephoneUnlock, digits: str) -> list[Verdict]:
    return [verdict for digit in digits if (verdict := judge.digit(digit))]


def reasons(judge: TelephoneUnlock, digits: str) -> list[str]:
    return [verdict.result.reason for verdict in typed(judge, digits)]


@pytest.mark.parametrize("digits", ["4711", "4711#"])
def test_the_code_opens_with_or_without_hash(digits: str) -> None:
    verdicts = typed(unlock("4711", "0815"), digits)
    assert [(one.device, one.flat, one.result.granted) for one in verdicts] == [("telephone", "301", True)]


def test_the_code_is_told_digit_by_digit() -> None:
    assert unlock("4711").words() == ("code", "4", "7", "1", "1", "star-again")


def test_a_code_opens_once_and_the_next_one_is_another() -> None:
    judge = unlock("4711", "4711", "0815", "4711", "2222")
    assert reasons(judge, "4711") == ["granted"]
    assert judge.words()[1:5] == tuple("0815")
    assert reasons(judge, "4711 0815".replace(" ", "")) == ["wrong-code", "granted"]
    assert judge.words()[1:5] == tuple("2222")


def test_wrong_codes_end_it_for_the_call() -> None:
    judge = unlock("4711", "0815")
    assert reasons(judge, "0000" * TRIES) == ["wrong-code"] * (TRIES - 1) + ["too-many"]
    assert judge.words() == ()
    assert reasons(judge, "4711") == ["too-many"]


def test_half_a_code_is_wrong_when_it_is_sent_off_and_forgotten_when_it_is_not() -> None:
    clock = Clock()
    judge = unlock("4711", "0815", clock=clock)
    assert reasons(judge, "#") == []
    assert reasons(judge, "47#") == ["wrong-code"]
    assert reasons(judge, "99") == []
    clock.now += FORGOTTEN + 1
    assert reasons(judge, "4711") == ["granted"]


def test_codes_of_calls_differ() -> None:
    codes = {TelephoneUnlock("301", "", "").words() for _ in range(50)}
    assert len(codes) > 40
    assert all(len(words) == 6 for words in codes)


@pytest.mark.parametrize(
    ("uri", "who"),
    [
        ("sip:301@m;stage=telephone", "telephone"),
        ("sip:+4915112345678@gateway;user=phone", "telephone ...678"),
        ("sips:0151%2012345678;x=y@gateway", "telephone ...678"),
    ],
)
def test_of_a_number_only_the_end_is_written_down(uri: str, who: str) -> None:
    assert masked_number(uri) == who
