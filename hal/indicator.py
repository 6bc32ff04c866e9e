"""Indicator: the lamps that tell a visitor, or at home a resident, what is going on."""

from enum import StrEnum
from typing import Protocol


class Signal(StrEnum):
    """What an indicator can say."""

    IDLE = "idle"
    CALLING = "calling"
    TALKING = "talking"
    UNLOCKED = "unlocked"
    REFUSED = "refused"
    ALARM = "alarm"
    FAULT = "fault"
    MESSAGE = "message"
    """A visitor left something that nobody has seen."""


class Indicator(Protocol):
    """One or more lamps."""

    def show(self, signal: Signal) -> None:
        """Show `signal` until the next call."""

    def close(self) -> None:
        """All lamps off; twice does no harm."""
