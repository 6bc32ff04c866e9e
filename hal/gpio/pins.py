"""What the gpio backends share: opening a pin, and which errors its driver may raise."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from gpiozero import GPIODevice, GPIOZeroError

from hal.errors import DeviceUnavailable

log = logging.getLogger(__name__)

Pull = Literal["up", "down", "floating"]
PULLS = get_args(Pull)


def _driver_errors() -> tuple[type[Exception], ...]:
    try:
        import lgpio  # the pin driver of Raspberry Pi OS; absent on a desktop
    except ImportError:
        return (GPIOZeroError, OSError)
    return (GPIOZeroError, OSError, lgpio.error)


DRIVER_ERRORS = _driver_errors()
"""What gpiozero and the driver below it raise when a pin cannot be used."""
OPENING_ERRORS: tuple[type[Exception], ...] = (*DRIVER_ERRORS, ImportError)
"""The same, and that there is no driver."""


@contextmanager
def opening(what: str) -> Iterator[None]:
    """Turn the driver's errors into DeviceUnavailable: "relay on pin 17: ..."."""
    with warnings.catch_warnings(record=True) as fallbacks:
        warnings.simplefilter("always")
        try:
            yield
        except OPENING_ERRORS as error:
            reasons = "; ".join([str(error).rstrip("!"), *(str(warning.message) for warning in fallbacks[:1])])
            raise DeviceUnavailable(f"{what}: {reasons}") from error
    for warning in fallbacks:
        log.warning("%s: %s", what, warning.message)


def open_input(what: str, pin: int, pull: Pull) -> GPIODevice:
    """Reserve `pin` as an input with this pull. Raises ValueError (pull) or DeviceUnavailable."""
    if pull not in PULLS:
        raise ValueError(f"pull is one of {', '.join(PULLS)}, not {pull!r}")
    with opening(f"{what} on pin {pin}"):
        device = GPIODevice(pin)
        try:
            device.pin.input_with_pull(pull)
        except BaseException:
            device.close()
            raise
    return device


def check_debounce(seconds: float) -> float:
    """`seconds` if a contact may take that long to settle, 0 to 1. Raises ValueError."""
    if not 0 <= seconds <= 1:
        raise ValueError(f"debounce is 0 to 1 seconds, not {seconds!r}")
    return seconds
