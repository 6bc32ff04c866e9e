"""The lock's relay on one pin."""

from typing import Literal, get_args

from gpiozero import OutputDevice

from hal.errors import DeviceLost
from hal.gpio.pins import DRIVER_ERRORS, opening
from hal.pulse import LockTimer

Kind = Literal["fail-secure", "fail-safe"]
KINDS = get_args(Kind)


class GpioRelay:
    """A lock behind a relay on a pin.

    `kind`: a "fail-secure" lock opens while its coil is energised, a "fail-safe" one opens when the current goes.
    `active_high`: whether a high pin energises the coil; most relay boards with optocouplers want False.
    The door is locked at construction, by `close`, and when Python exits. What a pin does after the process has given
    it back is the board's: a fail-safe lock needs a pull resistor there if it is to stay locked over a restart.
    """

    def __init__(self, pin: int, kind: Kind = "fail-secure", active_high: bool = True) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind is {' or '.join(KINDS)}, not {kind!r}")
        self._energised_opens = kind == "fail-secure"
        with opening(f"relay on pin {pin}"):
            self._output = OutputDevice(pin, active_high=active_high, initial_value=not self._energised_opens)
        self._lock = LockTimer(self._switch)

    @property
    def unlocked(self) -> bool:
        """Whether the door can be opened now."""
        return self._lock.unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock for `seconds`; during a pulse the later end counts. Raises ValueError, HalError."""
        self._lock.pulse(seconds)

    def hold(self) -> None:
        """Unlock until `release`. Raises DeviceLost, HalError if closed."""
        self._lock.hold()

    def release(self) -> None:
        """Lock now. Raises DeviceLost."""
        self._lock.release()

    def close(self) -> None:
        """Lock, give the pin back; twice does no harm."""
        try:
            self._lock.close()
        finally:
            self._output.close()

    def _switch(self, unlocked: bool) -> None:
        try:
            self._output.value = unlocked == self._energised_opens
        except DRIVER_ERRORS as error:
            raise DeviceLost(f"The lock's relay does not switch: {error}.") from error
