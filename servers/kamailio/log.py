"""Kamailio's log lines, made readable and given to Python's logging."""

import logging
import re
import time
from collections import deque

LEVELS = {
    "ALERT": logging.CRITICAL,
    "BUG": logging.CRITICAL,
    "CRITICAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "NOTICE": logging.INFO,
    "INFO": logging.DEBUG,
    "DEBUG": logging.DEBUG,
}
_LINE = re.compile(r"\s*\d+\(\d+\)\s+(?P<level>[A-Z]+):\s+(?P<text>.*)")
_PLACE = re.compile(r"(?:\{[^}]*\}\s*)?(?:<(?P<core>\w+)>|(?P<module>\w+))\s+\[[^\]]*\]:\s+(?:\w+\(\):\s*)?")
_KEPT = 20
MINUTE = 60.0
_AWAY = re.compile(r"^core: .*connect|^tm: (tcp_send failed|Attempt to send to precreated request failed)")
"""Errors of a connection to somebody who is not there."""
_HARMLESS = ("tls: openssl bug #1491",)
"""Warnings of every start that nobody can do anything about."""


def parse_line(line: str) -> tuple[int, str]:
    """Level of Python's logging, and the sentence without process numbers and places in the source.

    Lines of our own scripts come as they were written; others begin with the module's name, and their notices
    are for developers of Kamailio.
    """
    match = _LINE.match(line)
    if match is None:
        return logging.INFO, line.strip()
    level = LEVELS.get(match["level"], logging.INFO)
    text = match["text"]
    if text.startswith("<script>:"):
        return level, text.removeprefix("<script>:").strip()
    place = _PLACE.match(text)
    if place is not None:
        text = f"{place['core'] or place['module']}: {text[place.end() :]}"
    quiet = level == logging.INFO or text.startswith(_HARMLESS)
    return (logging.DEBUG if quiet else level), text.strip()


class LogReader:
    """Passes lines on to a logger and remembers the last errors, for the sentence that says why a start failed."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._errors: deque[str] = deque(maxlen=_KEPT)
        self._ending = False
        self._told: dict[str, float] = {}

    def feed(self, line: str) -> None:
        """Take one line of Kamailio's standard error."""
        level, text = parse_line(line)
        if not text:
            return
        quiet = self._ending
        if level >= logging.ERROR:
            self._errors.append(text)
            quiet = quiet or (_AWAY.search(text) is not None and self._is_known(text))
        self._logger.log(logging.DEBUG if quiet else level, "%s", text)

    def _is_known(self, text: str) -> bool:
        """The same was told less than a minute ago: a server that is away is asked for every second."""
        now = time.monotonic()
        if now - self._told.get(text, -MINUTE) < MINUTE:
            return True
        self._told[text] = now
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        return False

    def first_error(self) -> str:
        """The first remembered error, which is nearly always the cause; "" if there was none."""
        return self._errors[0] if self._errors else ""

    def expect_end(self) -> None:
        """The process is told to end: its children complain about one another then, which interests nobody."""
        self._ending = True

    def forget(self) -> None:
        """Start anew, before the next start of the process."""
        self._errors.clear()
        self._ending = False
