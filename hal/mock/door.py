"""Fakes of what hangs on a door besides camera and sound: relay, keypad, button, contact, lamps."""

from collections.abc import Callable
from typing import Literal

from hal.indicator import Signal
from hal.keypad import KEYS
from hal.mock.checks import check_usable
from hal.pulse import LockTimer

NewLockTimer = Callable[[Callable[[bool], None]], LockTimer]


class MockRelay:
    """A lock without a door; handles: `pulses`, `switched`, `unlocked`. `timer` brings a test's own time."""

    def __init__(
        self, kind: Literal["fail-secure", "fail-safe"] = "fail-secure", timer: NewLockTimer = LockTimer
    ) -> None:
        if kind not in ("fail-secure", "fail-safe"):
            raise ValueError(f"kind is fail-secure or fail-safe, not {kind!r}")
        self.kind = kind
        self.pulses: list[float] = []
        """Seconds of each pulse that was asked for."""
        self.switched: list[bool] = []
        """Each change: True unlocked, False locked; begins with the False of opening the device."""
        self._lock = timer(self.switched.append)

    @property
    def unlocked(self) -> bool:
        """Whether the door can be opened now."""
        return self._lock.unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock for `seconds`. Raises ValueError, HalError if closed."""
        self._lock.pulse(seconds)
        self.pulses.append(seconds)

    def hold(self) -> None:
        """Unlock until `release`. Raises HalError if closed."""
        self._lock.hold()

    def release(self) -> None:
        """Lock now."""
        self._lock.release()

    def close(self) -> None:
        """Lock; twice does no harm."""
        self._lock.close()


class MockKeypad:
    """A keypad typed on by the test; handle: `type`."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[str], None], ...] = ()
        self._closed = False

    def type(self, keys: str) -> None:
        """Press `keys` one after the other. Raises ValueError for a key it does not have."""
        for key in keys:
            if key not in KEYS:
                raise ValueError(f"a keypad has the keys {KEYS}, not {key!r}")
        for key in keys:
            for told in self._listeners:
                told(key)

    def listen(self, on_key: Callable[[str], None]) -> None:
        """Call `on_key(key)` for every key typed."""
        check_usable("keypad", self._closed)
        self._listeners += (on_key,)

    def close(self) -> None:
        """Tell no more; twice does no harm."""
        self._closed = True
        self._listeners = ()


class MockButton:
    """A button pressed by the test; handle: `press`."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._closed = False

    def press(self) -> None:
        """Press it once."""
        for told in self._listeners:
            told()

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press()` for every press."""
        check_usable("button", self._closed)
        self._listeners += (on_press,)

    def close(self) -> None:
        """Tell no more; twice does no harm."""
        self._closed = True
        self._listeners = ()


class MockContact:
    """A door or a case; handle: `set`."""

    def __init__(self, opened: bool = False) -> None:
        self._open = opened
        self._listeners: tuple[Callable[[bool], None], ...] = ()
        self._closed = False

    @property
    def open(self) -> bool:
        """True: it stands open."""
        return self._open

    def set(self, opened: bool) -> None:
        """Open or close it; no change is no news."""
        if opened == self._open:
            return
        self._open = opened
        for told in self._listeners:
            told(opened)

    def listen(self, on_change: Callable[[bool], None]) -> None:
        """Call `on_change(open)` at every change."""
        check_usable("contact", self._closed)
        self._listeners += (on_change,)

    def close(self) -> None:
        """Tell no more; twice does no harm."""
        self._closed = True
        self._listeners = ()


class MockIndicator:
    """Lamps as a list; handles: `signals`, `lit`."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        """Each signal that was asked for."""
        self._closed = False

    @property
    def lit(self) -> Signal | None:
        """What it shows now, None when it was never asked or is closed."""
        return self.signals[-1] if self.signals and not self._closed else None

    def show(self, signal: Signal) -> None:
        """Show `signal`. Raises ValueError for anything else, HalError if closed."""
        check_usable("indicator", self._closed)
        self.signals.append(Signal(signal))

    def close(self) -> None:
        """Dark; twice does no harm."""
        self._closed = True
