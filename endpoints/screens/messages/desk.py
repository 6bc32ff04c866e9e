"""What visitors left, at work: does what the decisions say, beside the app's thread."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from endpoints.errors import ServiceError
from endpoints.screens.messages import actions as do
from endpoints.screens.messages import inbox
from endpoints.screens.messages.events import FilmOver, MailEvent, NotDeleted
from endpoints.screens.messages.inbox import Inbox
from endpoints.screens.messages.player import Player
from endpoints.screens.messages.state import Left
from endpoints.screens.stage import Stage
from endpoints.service import Service
from endpoints.sound import Sound
from hal.errors import IntercomError

log = logging.getLogger(__name__)

Job = Callable[[Service], None]


class MessageDesk:
    """One for each device; all on the app's thread."""

    def __init__(
        self, services: Mapping[str, Service], stage: Stage, sound: Sound, tell: Callable[[MailEvent], None]
    ) -> None:
        """`services`: where the home's messages are, by the name of the server where the device is registered."""
        self._stage, self._tell = stage, tell
        self._inbox = Inbox(services, tell)
        self._player = Player(stage, sound, tell)
        self._worker = ThreadPoolExecutor(1, "messages")

    def doers(self) -> Mapping[type, Callable[[Any], None]]:
        """How each action is done."""
        return {
            do.Consult: lambda action: self._inbox.at(action.server),
            do.ShowLeft: lambda action: self._show(action.left),
            do.PlayFilm: self._play,
            do.StopFilm: lambda action: self._player.stop(),
            do.PutAway: self._put_away,
            do.MarkRead: self._mark_read,
            do.DeleteLeft: self._delete,
        }

    def close(self) -> None:
        """What was asked for is still done; twice does no harm."""
        self._inbox.close()
        self._player.close()
        self._worker.shutdown(cancel_futures=True)

    def _play(self, action: do.PlayFilm) -> None:
        service = self._inbox.service
        if service is None:
            self._tell(FilmOver(action.left.id, "no server has messages for this device now"))
        else:
            self._player.play(action.left, service)

    def _put_away(self, action: do.PutAway) -> None:
        self._player.stop()
        self._stage.take()

    def _show(self, left: Left) -> None:
        turn = self._stage.take()

        def fetch(service: Service) -> None:
            if not self._stage.has(turn):
                return
            part = "content" if left.kind == "picture" else "thumbnail"
            answer = service.request("GET", f"/messages/{left.id}/{part}")
            if answer.status == 200:
                self._put(turn, answer.body)
            else:
                log.info("no picture of %s: %d", left.id, answer.status)

        self._do(fetch)

    def _put(self, turn: int, jpeg: bytes) -> None:
        from media.still import from_jpeg

        try:
            self._stage.show(turn, from_jpeg(jpeg))
        except IntercomError as error:
            log.warning("what a visitor left cannot be shown: %s", error)

    def _mark_read(self, action: do.MarkRead) -> None:
        self._do(lambda service: inbox.set_read(service, action.id))

    def _delete(self, action: do.DeleteLeft) -> None:
        def work(service: Service) -> None:
            try:
                inbox.delete(service, action.id)
            except ServiceError:
                self._tell(NotDeleted(action.id))
                raise

        self._do(work)

    def _do(self, job: Job) -> None:
        """On the worker's thread, in order; a server that is away is told by the list itself."""
        service = self._inbox.service
        if service is not None:
            self._worker.submit(_told, job, service)


def _told(job: Job, service: Service) -> None:
    try:
        job(service)
    except ServiceError as error:
        log.warning("messages: %s", error)
    except Exception:
        log.exception("messages: a job failed")
        raise
