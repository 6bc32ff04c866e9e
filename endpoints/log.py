"""One form of log lines for every command: time, level, name, sentence."""

import logging
import os
import sys

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
VARIABLE = "INTERCOM_LOG"


def configure_logging(level: str | None = None) -> None:
    """Log to standard error from `level` on; without one, from the level in INTERCOM_LOG, else INFO."""
    wanted = (level or os.environ.get(VARIABLE, "INFO")).upper()
    known = wanted if wanted in LEVELS else "INFO"
    form = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=known, format=form, datefmt="%H:%M:%S", stream=sys.stderr, force=True)
    if known != wanted:
        logging.getLogger(__name__).warning("%s is no log level; known: %s", wanted, ", ".join(LEVELS))
