"""Several lamps on pins that together say what is going on."""

from collections.abc import Mapping

from gpiozero import LED

from hal.gpio.pins import opening
from hal.indicator import Signal

BLINK = {"slow": (0.6, 0.6), "fast": (0.15, 0.15)}
"""Seconds on and off."""
WAYS = ("on", *BLINK)

MEANING: Mapping[Signal, Mapping[str, str]] = {
    Signal.IDLE: {},
    Signal.CALLING: {"call": "slow"},
    Signal.TALKING: {"talk": "on"},
    Signal.UNLOCKED: {"door": "on"},
    Signal.REFUSED: {"fault": "fast"},
    Signal.ALARM: {"fault": "fast", "door": "fast"},
    Signal.FAULT: {"fault": "on"},
    Signal.MESSAGE: {"message": "slow"},
}
"""How each signal looks on the usual lamps: of a door station call, talk, door, fault; at home message."""


class GpioIndicator:
    """Lamps by name on pins, `lamps = {call = 22, talk = 23, door = 24, fault = 25}`; a lamp may be missing.

    `signals` changes what a signal looks like, `{calling = {call = "fast", talk = "on"}}`: on, slow or fast blinking.
    """

    def __init__(
        self,
        lamps: Mapping[str, int],
        signals: Mapping[str, Mapping[str, str]] | None = None,
        active_high: bool = True,
    ) -> None:
        self._meaning = _meaning(lamps, signals or {})
        self._lamps: dict[str, LED] = {}
        try:
            for name, pin in lamps.items():
                with opening(f"lamp {name} on pin {pin}"):
                    self._lamps[name] = LED(pin, active_high=active_high)
        except BaseException:
            self.close()
            raise
        self._shown: Signal | None = None

    def show(self, signal: Signal) -> None:
        """Show `signal` until the next call."""
        if signal == self._shown:
            return
        self._shown = signal
        ways = self._meaning[signal]
        for name, lamp in self._lamps.items():
            _light(lamp, ways.get(name))

    def close(self) -> None:
        """All lamps off; twice does no harm."""
        for lamp in self._lamps.values():
            lamp.off()
            lamp.close()
        self._lamps = {}


def _light(lamp: LED, way: str | None) -> None:
    if way in BLINK:
        on, off = BLINK[way]
        lamp.blink(on, off)
    else:
        lamp.value = way == "on"


def _meaning(lamps: Mapping[str, int], signals: Mapping[str, Mapping[str, str]]) -> dict[Signal, Mapping[str, str]]:
    for name, ways in signals.items():
        if name not in list(Signal):
            raise ValueError(f"signals: there is no signal {name!r}; they are {', '.join(Signal)}")
        for lamp, way in ways.items():
            if lamp not in lamps:
                raise ValueError(f"signals.{name}: there is no lamp {lamp!r}; the lamps are {', '.join(lamps)}")
            if way not in WAYS:
                raise ValueError(f"signals.{name}.{lamp} is one of {', '.join(WAYS)}, not {way!r}")
    return {**MEANING, **{Signal(name): ways for name, ways in signals.items()}}
