"""Plays what a visitor said: fetched from the server while it plays."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from endpoints.remote_file import RemoteFile
from endpoints.screens.messages.events import FilmBegan, FilmOver, MailEvent
from endpoints.screens.messages.state import Left
from endpoints.screens.stage import Stage
from endpoints.service import Service
from endpoints.session import ServiceSession
from endpoints.sound import Sound
from hal.camera import Picture
from hal.errors import IntercomError

if TYPE_CHECKING:
    from media.film import Film

log = logging.getLogger(__name__)
_PATIENCE = 10.0
"""Seconds for a film's threads at the end."""


class Player:
    """One film at a time; on the app's thread, and nothing waits there."""

    def __init__(self, stage: Stage, sound: Sound, tell: Callable[[MailEvent], None]) -> None:
        self._stage, self._sound, self._tell = stage, sound, tell
        self._film: Film | None = None
        self._session: ServiceSession | None = None

    def play(self, left: Left, service: Service) -> None:
        """Play it from its beginning; the end is told."""
        from media.film import Film

        self.stop()
        turn = self._stage.take()
        began = False

        def show(picture: Picture) -> None:
            nonlocal began
            if self._stage.show(turn, picture) and not began:
                began = True
                self._tell(FilmBegan(left.id))

        def over(failure: IntercomError | None) -> None:
            if failure is not None:
                log.warning("message %s: %s", left.id, failure)
            session.close()
            self._tell(FilmOver(left.id, str(failure) if failure else ""))

        session = self._session = ServiceSession(service)
        file = RemoteFile(session, f"/messages/{left.id}/content", left.size)
        self._film = Film(cast(BinaryIO, file), show, over)
        self._film.start()
        self._sound.play(self._film)

    def stop(self) -> None:
        """No more sound; whoever takes the stage next has it for itself."""
        if self._film is not None:
            self._film.stop()
        if self._session is not None:
            self._session.close()

    def close(self) -> None:
        """Stop, and wait for its threads."""
        self.stop()
        if self._film is not None:
            self._film.join(_PATIENCE)
