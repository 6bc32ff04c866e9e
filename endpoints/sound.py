"""The voice path's commands, in order, on a thread of their own: opening a sound card must not hold up a picture."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from hal.errors import IntercomError
from media.tones import Audible
from media.tones import Sound as Speech
from media.voice import Voice

log = logging.getLogger(__name__)


class Sound:
    """What an app says about sound; nothing here waits, except `close`."""

    def __init__(self, voice: Voice, languages: Sequence[str] = ("en",)) -> None:
        """`voice` stays its maker's to close; `languages` are folders of `media.prompts`, spoken in this order."""
        self._voice, self._languages = voice, languages
        self._worker = ThreadPoolExecutor(1, "sound")

    def start(self) -> None:
        """A call begins: microphone and speaker on."""
        self._do(self._voice.start)

    def stop(self) -> None:
        """The call is over: microphone and speaker off."""
        self._do(self._voice.stop)

    def mute(self, on: bool) -> None:
        """Send silence, or what the microphone hears again."""
        self._do(lambda: self._voice.mute(on))

    def tone(self, name: str | None) -> None:
        """Play the tone of that name of `media.tones` until the next; None is silence."""
        self._do(lambda: self._voice.tone(name))

    def say(self, words: Sequence[str], over: Callable[[], None] | None = None) -> None:
        """Speak these prompts of `media.prompts` at our loudspeaker; see `Voice.say` for `over`."""
        self._do(lambda: self._voice.say(self._speech(words), over))

    def play(self, sound: Audible) -> None:
        """Let something be heard at our loudspeaker, as words are."""
        self._do(lambda: self._voice.say(sound))

    def announce(self, words: Sequence[str], pause: float = 0.0) -> None:
        """Speak these prompts to the other side instead of our microphone: once, or again after `pause` seconds."""
        self._do(lambda: self._voice.announce(self._speech(words, pause) if words else None))

    def _speech(self, words: Sequence[str], pause: float = 0.0) -> Speech:
        from media.prompts import spoken

        return spoken(self._languages, words, pause)

    def levels(self) -> dict[str, object]:
        """Loudness of what was sent and played last, dBFS."""
        sent, played = self._voice.levels()
        return {"sent_dbfs": sent, "played_dbfs": played}

    def settle(self) -> None:
        """Wait until every command so far is done."""
        self._worker.submit(lambda: None).result()

    def close(self) -> None:
        """Do what was asked for, then take no more; twice does no harm."""
        self._worker.shutdown()

    def _do(self, command: Callable[[], None]) -> None:
        self._worker.submit(_told, command)


def _told(command: Callable[[], None]) -> None:
    """Do it, on the sound thread; what goes wrong there is told, nobody waits for it."""
    try:
        command()
    except IntercomError as error:
        log.error("sound: %s", error)
    except Exception:
        log.exception("a sound command failed")
        raise
