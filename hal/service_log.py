"""A service port that is the program's log: for boards on which a technician reads the journal."""

import json
import logging
from collections.abc import Callable
from typing import Literal, get_args

from hal.service_port import Facts

log = logging.getLogger("intercom.service")

Level = Literal["debug", "info", "warning"]
LEVELS = get_args(Level)


class LogServicePort:
    """Writes every event as one line of JSON to the log `intercom.service` at `level` (debug, info, warning)."""

    def __init__(self, level: Level = "info") -> None:
        if level not in LEVELS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}, not {level!r}")
        self._level: int = logging.getLevelNamesMapping()[level.upper()]
        self._closed = False

    def publish(self, event: str, facts: Facts) -> None:
        """Log `event` with its facts; what JSON cannot carry is written as text."""
        if not self._closed and log.isEnabledFor(self._level):
            log.log(self._level, "%s %s", event, json.dumps(dict(facts), default=str, ensure_ascii=False))

    def provide(self, question: str, answer: Callable[[], Facts]) -> None:
        """Nobody can ask a log; `answer` is not called."""

    def close(self) -> None:
        """Log no more; twice does no harm."""
        self._closed = True
