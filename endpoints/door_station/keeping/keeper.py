"""What the door station's app says about messages and pictures; nothing here waits, and large parts load late.

Threads: `keeping` opens, tends and repairs the store; `keeping-pictures` writes pictures; `message-sound` and
`message-writer` live during a message; `messages` uploads.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from endpoints.config import Site
from endpoints.config.site import Messages
from endpoints.door_station.events import DoorEvent, ItemLost, MessageKept, MessageOver, StoreChanged, WordsOver
from endpoints.door_station.keeping.booth import Booth
from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.disk import StoreError
from endpoints.door_station.keeping.items import Event, Item
from endpoints.door_station.keeping.recorder import Format, Kept, Recorder
from endpoints.door_station.pictures import Pictures
from endpoints.errand import Errand
from endpoints.sip.agent import VoicePath
from endpoints.sound import Sound
from hal.camera import Picture
from hal.errors import IntercomError
from media.recent import Recent

if TYPE_CHECKING:  # loaded after the registration
    import ssl

    from endpoints.door_station.keeping.store import Recording, Store
    from endpoints.door_station.keeping.uploader import Uploader

log = logging.getLogger(__name__)

FOLDER = "messages"
BEFORE = 2.0
"""Seconds before the beep that are part of a message."""
SETTLE = 1.0
"""Seconds that a picture waits before it is compressed: a visit's first second belongs to the call."""
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that says less has not been set."""
TEND, TRY_AGAIN = 3600.0, 30.0
"""Seconds between two looks at the store when all is well, and when it is in trouble."""


class Keeper:
    """Of one door station; its methods are for the app's thread, but `deposits` and `figures` for any."""

    def __init__(
        self, site: Site, pictures: Pictures, sound: Sound, voice: VoicePath, post: Callable[[DoorEvent], None]
    ) -> None:
        """`site` has a table [messages]; `post` takes what happens from any thread."""
        self._site, self._settings = site, site.messages or Messages()
        self._pictures, self._sound, self._voice, self._post = pictures, sound, voice, post
        self._recent = Recent(BEFORE)
        self._store: Store | None = None
        self._uploader: Uploader | None = None
        self._deposits: Mapping[str, Deposit] = {}
        self._busy: Callable[[], bool] = lambda: False
        self._told: tuple[str, bool] | None = None
        """The trouble, and whether the clock is set, as they were told last."""
        self._lost = 0
        self._booth: Booth | None = None
        self._recorder: Recorder | None = None
        self._closing = threading.Event()
        self._tending = Errand("keeping", self._tend)
        self._writing = ThreadPoolExecutor(1, "keeping-pictures")

    def give_way(self, busy: Callable[[], bool]) -> None:
        """Upload slowly while `busy`."""
        self._busy = busy

    def start(self) -> None:
        """Open the store, which mends what a power cut left, and upload what waits."""
        from endpoints.door_station.keeping.uploader import Uploader

        rate = float(self._settings.call_rate)
        self._uploader = Uploader(lambda: self._store, lambda: self._deposits, self._in_call, rate, self._tls)
        self._tending.start()
        self._uploader.start()

    def deposits(self, deposits: Mapping[str, Deposit]) -> None:
        """Flat -> where what is left for it is handed in, from now on."""
        self._deposits = deposits
        self._wake()

    def figures(self) -> Mapping[str, object]:
        """For the service port: how much is kept, what is wrong."""
        trouble = self._told[0] if self._told else ""
        facts: dict[str, object] = {"trouble": trouble, "open": self._store is not None, "lost": self._lost}
        facts["clock_set"] = _clock_set()
        if self._uploader is not None:
            facts["bytes_sent"] = self._uploader.sent
        try:
            return {**facts, **(self._store.figures() if self._store else {})}
        except StoreError as error:
            return {**facts, "trouble": error.trouble.value}

    def close(self) -> None:
        """Finish a message, and stop; what waits is uploaded after the next start. Twice does no harm."""
        self.end_message()
        self.forget()
        self._closing.set()
        self._tending.close()
        if self._uploader is not None:
            self._uploader.close()
        if self._recorder is not None:
            self._recorder.join()
        self._writing.shutdown()
        if self._store is not None:
            self._store.close()

    # --- a visit -----------------------------------------------------------------------------------------------------

    def keep_picture(self, event: Event, flat: str, session_id: str) -> None:
        """Keep what the camera sees now."""
        seen = self._pictures.latest()
        if seen is not None:
            # A camera may use its memory again.
            picture = Picture(seen.width, seen.height, bytes(seen.data), seen.taken)
            self._writing.submit(self._write_picture, picture, event, flat, session_id, time.monotonic() + SETTLE)

    def remember(self) -> None:
        """From now on the last seconds of the picture are at hand."""
        self._pictures.watch(self._recent)

    def forget(self) -> None:
        """The visit is over."""
        self._pictures.unwatch(self._recent)
        self._recent.forget()

    def offer(self, words: Sequence[str]) -> None:
        """Microphone on, and speak `words`; `WordsOver` tells when they are over."""
        self._sound.start()
        self._sound.say(words, lambda: self._post(WordsOver()))
        self._booth = Booth(self._voice, self._recent, lambda: self._post(MessageOver("silence")))
        self._booth.open()

    def record(self, flat: str, session_id: str) -> None:
        """Begin a message with the last seconds."""
        video = self._site.video
        self._recorder = Recorder(
            lambda: self._begin(flat, session_id),
            Format(video.width, video.height, video.rate),
            lambda why: self._post(MessageOver(why)),
            lambda kept: self._ended(flat, kept),
        )
        self._recent.follow(self._recorder)
        if self._booth is not None:
            self._booth.listen()

    def end_message(self) -> None:
        """Microphone off; what was recorded is finished by its thread, and `MessageKept` tells."""
        if self._booth is None:
            return
        self._booth.close()
        self._booth = None
        self._sound.stop()
        self._recent.forget()
        if self._recorder is not None:
            self._recorder.end()

    # --- other threads -----------------------------------------------------------------------------------------------

    def _begin(self, flat: str, session_id: str) -> "Recording":
        if self._store is None:
            raise StoreError("the store is not open")
        return self._store.begin(flat, session_id, self._room)

    @property
    def _room(self) -> int:
        """Bytes that a message may take."""
        return round((BEFORE + self._settings.limit) * self._site.video.bit_rate / 8)

    def _ended(self, flat: str, kept: Kept) -> None:
        if kept.item is None:
            self._post(MessageKept(flat, why=kept.why))
            self._tending.wake()
            return
        self._post(MessageKept(flat, kept.item.label.id, kept.item.duration_ms / 1000, kept.why))
        self._wake()

    def _write_picture(self, picture: Picture, event: Event, flat: str, session_id: str, after: float) -> None:
        from media.snapshot import snapshot

        taken = datetime.now(UTC) - timedelta(seconds=time.monotonic() - picture.taken)
        self._closing.wait(max(0.0, after - time.monotonic()))
        try:
            if self._store is None:
                raise StoreError("the store is not open")
            place = self._site.device.place or self._site.device.name
            self._store.keep_picture(flat, session_id, event, taken, snapshot(picture, place, taken.astimezone()))
        except IntercomError as error:
            log.error("the picture of %s for flat %s could not be kept: %s", event, flat, error)
            self._tending.wake()
        else:
            self._wake()

    def _in_call(self) -> bool:
        return self._busy()

    def _wake(self) -> None:
        if self._uploader is not None:
            self._uploader.wake()

    def _tend(self) -> float:
        """Open the store, or look after it; seconds until the next time."""
        from endpoints.door_station.keeping.quota import Quota
        from endpoints.door_station.keeping.store import Store

        if self._closing.is_set() or (self._recorder is not None and self._booth is not None):
            return TRY_AGAIN
        settings = self._settings
        try:
            if self._store is None:
                quota = Quota(settings.quota * 1_000_000, settings.age * 86_400)
                self._store = Store(self._site.data / FOLDER, quota, on_loss=self._item_lost)
            self._store.check(self._room)
            self._store.trim()
        except StoreError as error:
            self._tell(error.trouble.value, str(error))
            store, self._store = self._store, None
            if store is not None:
                store.close()
            return TRY_AGAIN
        self._tell("", "")
        self._wake()
        return TEND if _clock_set() else TRY_AGAIN

    def _item_lost(self, item: Item) -> None:
        self._lost += 1
        self._post(ItemLost(item.label.flat, item.label.event, item.label.started.isoformat()))

    def _tell(self, trouble: str, why: str) -> None:
        """Each state once."""
        clock, before = _clock_set(), self._told or ("", True)
        if (trouble, clock) == self._told:
            return
        if trouble and trouble != before[0]:
            log.error("nothing of visitors can be kept: %s", why)
        elif before[0] and not trouble:
            log.warning("what visitors leave can be kept again")
        if clock is not before[1]:
            log.warning("the clock is set" if clock else "the clock is not set: visits are dated wrong until it is")
        self._told = trouble, clock
        self._post(StoreChanged(trouble, why, clock))

    def _tls(self) -> "ssl.SSLContext | None":
        if self._site.tls is None:
            return None
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self._site.tls.authority)
        context.load_cert_chain(self._site.tls.certificate, self._site.tls.key)
        return context


def _clock_set() -> bool:
    return datetime.now(UTC) >= EARLIEST
