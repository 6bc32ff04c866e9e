"""The calls of a device with a screen, kept on the device itself (P4): who, when, what became of it, with a picture."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from endpoints.directory import write_atomically
from hal.camera import Picture
from hal.errors import IntercomError

log = logging.getLogger(__name__)

KEPT = 100
"""Calls; beyond it the oldest are forgotten."""
TAKEN = ("answered", "declined", "answered-elsewhere")
"""What is written about a call that came and that nobody needs to be told of."""
CALM = 2.0
"""Seconds that a picture waits to be written: at the end of a call every device of a home has other things to do."""
WAITING = 3
"""Pictures that may wait; more of them, as when calls come fast, are written at once."""


class LoggedCall(BaseModel):
    """One call, over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    time: str
    """When it began, UTC (RFC 3339)."""
    outgoing: bool = False
    caller: str
    """The other side, for people; also of our own call."""
    address: str = ""
    """Of the other side: where to call back; of our own call the user part that was called."""
    why: str
    """What became of it: "answered", "declined", "nobody answered", "busy", "no-answer"..."""
    emergency: bool = False
    session_id: str = ""
    """The same as in the servers' records (RFC 7989)."""
    answered: str | None = None
    answered_by: str = ""
    """The account that answered our own call."""
    ended: str | None = None
    unlocks: int = 0
    picture: str = ""
    """Name of the first picture that the other side showed."""
    seen: bool = True
    """False for a missed call that nobody has looked at."""

    @property
    def missed(self) -> bool:
        """It came, and nobody took it."""
        return not self.outgoing and self.why not in TAKEN


_CALLS = TypeAdapter(tuple[LoggedCall, ...])


@dataclass(frozen=True, slots=True)
class CallsLogged:
    """The event that tells the app of its new list of calls, newest first."""

    calls: tuple[LoggedCall, ...]


class CallLog:
    """A file and a folder of pictures; read once, written by a thread of its own after each call.

    All but `picture` on the app's thread.
    """

    def __init__(
        self, folder: Path, changed: Callable[[CallsLogged], None] = lambda event: None, calm: float = CALM
    ) -> None:
        self._file, self._pictures, self._changed, self._calm = folder / "calls.json", folder / "calls", changed, calm
        self._calls = _read(self._file)
        self._closing = False
        self._hurry = threading.Event()
        """Ends a picture's waiting."""
        self._waiting: deque[tuple[str, Picture]] = deque()
        self._writer = ThreadPoolExecutor(1, "call-log")

    @property
    def calls(self) -> tuple[LoggedCall, ...]:
        """Newest first."""
        return self._calls

    def add(self, call: LoggedCall, picture: Picture | None = None) -> None:
        """A call is over; `picture` is what it showed first."""
        if picture is not None:
            call = call.model_copy(update={"picture": f"{call.time.translate(_NO_COLONS)}.jpg"})
        self._become((call, *self._calls[: KEPT - 1]))
        if picture is not None:
            self._waiting.append((call.picture, picture))
            if len(self._waiting) > WAITING:
                self._hurry.set()
            self._writer.submit(self._write_picture)

    def look(self) -> None:
        """Somebody looked at the missed calls."""
        if any(not call.seen for call in self._calls):
            self._become(tuple(call.model_copy(update={"seen": True}) for call in self._calls))

    def beside(self, work: Callable[[], None]) -> None:
        """Do something that takes its time in the order of the log, for example hand a record in."""
        self._writer.submit(work)

    def picture(self, name: str) -> Picture | None:
        """The picture of a call; None if it is gone, or not written yet."""
        from media.still import from_jpeg

        try:
            return from_jpeg((self._pictures / Path(name).name).read_bytes())
        except (OSError, IntercomError) as error:
            log.info("no picture %s: %s", name, error)
            return None

    def close(self) -> None:
        """Write what is left; twice does no harm."""
        self._closing = True
        self._hurry.set()
        self._writer.shutdown()

    def _become(self, calls: tuple[LoggedCall, ...]) -> None:
        self._calls = calls
        self._changed(CallsLogged(calls))
        self._writer.submit(self._write, calls)

    def _write(self, calls: tuple[LoggedCall, ...]) -> None:
        try:
            write_atomically(self._file, _CALLS.dump_json(calls))
        except OSError as error:
            log.error("the list of calls cannot be kept: %s", error.strerror)

    def _write_picture(self) -> None:
        from media.still import to_jpeg

        self._hurry.wait(self._calm)
        name, picture = self._waiting.popleft()
        if not self._waiting and not self._closing:
            self._hurry.clear()
        try:
            write_atomically(self._pictures / name, to_jpeg(picture))
            wanted = {call.picture for call in self._calls}
            for old in self._pictures.glob("*.jpg"):
                if old.name not in wanted:
                    old.unlink(missing_ok=True)
        except (OSError, IntercomError) as error:
            log.error("the picture of a call cannot be kept: %s", error)


_NO_COLONS = str.maketrans("", "", ":")


def _read(file: Path) -> tuple[LoggedCall, ...]:
    try:
        return _CALLS.validate_json(file.read_bytes())[:KEPT]
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        log.warning("%s is not used: %s", file, type(error).__name__)
        return ()
