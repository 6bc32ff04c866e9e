"""When a device registers again, and what it tells meanwhile; no SIP library, no clock."""

from endpoints.sip.agent import Registered, RegistrationLost, SipEvent
from endpoints.sip.registration import REFUSED_RETRY, Registration


def registration(told: list[SipEvent], jitter: float = 0.5) -> Registration:
    return Registration(2.0, told.append, lambda: jitter)


def test_success_is_told_once() -> None:
    told: list[SipEvent] = []
    one = registration(told)
    assert one.answered(200, "OK", active=True) is None
    assert one.answered(200, "OK", active=True) is None
    assert told == [Registered()]


def test_a_broken_connection_is_told_once_tried_soon_and_then_in_seconds() -> None:
    told: list[SipEvent] = []
    one = registration(told)
    one.answered(200, "OK", active=True)
    assert one.connection_lost() == 1.0
    assert one.answered(503, "Connection refused", active=False) == 3.0
    assert one.connection_lost() == 3.0
    one.answered(200, "OK", active=True)
    assert told == [Registered(), RegistrationLost(503, "the connection to the registrar broke", False), Registered()]


def test_who_is_refused_does_not_hammer() -> None:
    told: list[SipEvent] = []
    one = registration(told)
    delay = one.answered(403, "Forbidden", active=False)
    assert delay is not None
    assert delay >= REFUSED_RETRY
    assert told == [RegistrationLost(403, "Forbidden", True)]


def test_taking_the_registration_back_is_no_loss() -> None:
    told: list[SipEvent] = []
    one = registration(told)
    one.answered(200, "OK", active=True)
    assert one.answered(200, "OK", active=False) is None
    assert not one.registered
    assert told == [Registered()]
