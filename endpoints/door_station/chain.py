"""The chain of a visit: the ways to reach somebody, in their order, and what each kind of failure means.

A flat has stages (V1 home, V2 phones, V3 telephone; G1 has one, the guards), each with one address or more. One address
is called at a time; its call is over before the next begins, so that two stages never ring at once.

==================================================================  ===================================================
what happens                                                        then
==================================================================  ===================================================
no connection, or no answer at all within `reach`                   the next address, of this stage or of the next one
a server has the call, and nobody rings within `provisional`        the next address
any other failure (404, 403, 5xx, ... the server cannot, or broke)  the next address
480 nobody is registered or can be reached                          the next stage
486, 600 everybody is busy                                          the next stage
408 after ringing, or it rang for the stage's `ring`                the next stage
a telephone answers, and nobody presses 1 within `confirm`          the next stage
603, 607 a person declined                                          the visit ends
the visitor hangs up                                                the visit ends
`total` is used up, and nobody has answered                         the visit ends
there is no further way                                             the visit ends, and the best outcome is told
==================================================================  ===================================================

The last stage rings as long as `total` allows. An answer that crosses the end of its stage is late: it is hung up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

TELEPHONE, GUARD = "telephone", "guard"
"""The stages that are told apart here: an ordinary telephone must confirm that a person listens."""


class Outcome(StrEnum):
    """How the last visit, or attempt at one, ended; in a visit: the best that its stages came to so far."""

    NONE = ""
    CANCELLED = "cancelled"
    HUNG_UP = "hung-up"
    DECLINED = "declined"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    TIME_OVER = "time-over"
    LOST = "connection-lost"
    VISITOR = "visitor-first"
    """A guard's call to the door made way for a visitor."""
    WRONG_FLAT = "wrong-flat"
    WRONG_CODE = "wrong-code"
    LOCKED_OUT = "locked-out"
    DIALLING_TIMED_OUT = "dialling-timed-out"
    MESSAGE_LEFT = "message-left"


@dataclass(frozen=True, slots=True)
class Way:
    """One attempt to reach somebody."""

    stage: str
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Home:
    """What a number at the keypad leads to: the ways to call it, and whose devices may open the door there."""

    number: str
    """The flat's number, "guard" for the property management."""
    ways: tuple[Way, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    """Device name -> Ed25519 public key, base64."""
    records: str = ""
    """The HTTP service that keeps the records of visits to it, "" for none."""
    takes_messages: bool = False
    """Whether there is a server that takes what visitors leave for it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds that one stage may take."""

    provisional: float = 3.0
    """From the server's first answer until somebody rings."""
    ring: float = 15.0
    """Ringing, unless it is the last stage."""


class Next(Enum):
    """Where a failure leads."""

    ADDRESS = "address"
    STAGE = "stage"
    END = "end"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a way came to nothing, and what follows."""

    then: Next
    outcome: Outcome
    code: int = 0
    reason: str = ""


SILENT = Failure(Next.ADDRESS, Outcome.UNREACHABLE, reason="no answer from the other side")
NOT_RINGING = Failure(Next.ADDRESS, Outcome.UNREACHABLE, reason="nobody rings")
RANG_OUT = Failure(Next.STAGE, Outcome.NO_ANSWER, reason="nobody answers")
UNCONFIRMED = Failure(Next.STAGE, Outcome.NO_ANSWER, reason="no person confirmed")


def failure(code: int, reason: str, rang: bool) -> Failure:
    """What a final SIP response, or the library's own code for no connection, means; `rang`: somebody rang before."""
    match code:
        case 603 | 607:
            return Failure(Next.END, Outcome.DECLINED, code, reason)
        case 486 | 600:
            return Failure(Next.STAGE, Outcome.BUSY, code, reason)
        case 480:
            return Failure(Next.STAGE, Outcome.UNREACHABLE, code, reason)
        case 408 if rang:
            return Failure(Next.STAGE, Outcome.NO_ANSWER, code, reason)
        case _:
            return Failure(Next.ADDRESS, Outcome.UNREACHABLE, code, reason)


def remaining(ways: tuple[Way, ...], then: Next) -> tuple[Way, ...]:
    """The ways that are left when the first one failed."""
    if then is Next.END:
        return ()
    if then is Next.ADDRESS:
        return ways[1:]
    return tuple(way for way in ways if way.stage != ways[0].stage)


_GOOD_TO_BAD = (Outcome.DECLINED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.UNREACHABLE, Outcome.NONE)


def better(one: Outcome, other: Outcome) -> Outcome:
    """The outcome that says more of the people: a visitor wants to know that it rang somewhere."""
    return min(one, other, key=_GOOD_TO_BAD.index)
