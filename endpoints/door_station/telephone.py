"""Opening the door from an ordinary telephone (V3): a code of four digits for each call, told on that call alone.

Only a telephone that was confirmed by a person is told a code. A code opens once, the next one is told after it; three
wrong ones end it for the call. `*` tells the code again; `#` may end it, and a shorter one then counts as wrong.
"""

import re
import secrets
import time
from collections.abc import Callable

from endpoints.unlock import Reason, Result, Verdict

LENGTH, TRIES = 4, 3
FORGOTTEN = 10.0
"""Seconds after which digits that were no whole code are forgotten."""
PRESS_ONE = ("press-one",)
PAUSE = 1.5
"""Seconds of silence before the question is asked again."""
ANSWERS: dict[str, tuple[str, ...]] = {
    Reason.GRANTED: ("door-open",),
    Reason.WRONG_CODE: ("wrong-code",),
    Reason.TOO_MANY: ("wrong-code", "no-more-codes"),
    Reason.LOCK_FAILED: ("door-failed",),
}
"""Prompts of `media.prompts` for what became of an attempt."""


class TelephoneUnlock:
    """Judges the digits of one call."""

    def __init__(
        self,
        flat: str,
        session_id: str,
        who: str,
        clock: Callable[[], float] = time.monotonic,
        new_code: Callable[[], str] = lambda: f"{secrets.randbelow(10**LENGTH):0{LENGTH}}",
    ) -> None:
        """`who` is what is written down of whoever holds the telephone."""
        self._flat, self._session_id, self._who = flat, session_id, who
        self._clock, self._new_code = clock, new_code
        self._used: set[str] = set()
        self._code = self._fresh()
        self._typed, self._last, self._wrong = "", 0.0, 0

    def words(self) -> tuple[str, ...]:
        """The prompts that tell the present code; none if there is no further one in this call."""
        return ("code", *self._code, "star-again") if self._code else ()

    def digit(self, digit: str) -> Verdict | None:
        """Take a digit; a verdict when it completes a code, right or wrong."""
        now = self._clock()
        typed = self._typed if now - self._last <= FORGOTTEN else ""
        self._last = now
        complete = len(typed) + 1 == LENGTH if digit.isdecimal() else bool(typed)
        self._typed = typed + digit if digit.isdecimal() else typed
        if not complete:
            return None
        code, self._typed = self._typed, ""
        return Verdict(self._who, self._flat, self._session_id, self._judged(code))

    def _judged(self, code: str) -> Result:
        if not self._code:
            return Result(False, Reason.TOO_MANY)
        if secrets.compare_digest(code, self._code):
            self._code = self._fresh()
            return Result(True, Reason.GRANTED)
        self._wrong += 1
        if self._wrong >= TRIES:
            self._code = ""
        return Result(False, Reason.WRONG_CODE if self._code else Reason.TOO_MANY)

    def _fresh(self) -> str:
        """Never one of this call twice: who overheard it opens nothing."""
        while (code := self._new_code()) in self._used:
            continue
        self._used.add(code)
        return code


def masked_number(uri: str) -> str:
    """Who is called at `uri`, fit to be written down: of a telephone number only its last three digits."""
    user = re.sub(r"^sips?:", "", uri).partition("@")[0].partition(";")[0]
    digits = re.sub(r"\D", "", user)
    return "telephone" if len(digits) < 6 else f"telephone ...{digits[-3:]}"
