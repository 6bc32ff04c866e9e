"""A door station that also records its calls while SIGUSR1 says so: to measure what recording costs in the same call.

`python -m sim.bench.recording_door --board FILE --site FILE`: the product's door station, whose picture and sound are
looked at from outside by its own recorder, store and ring buffer. The product itself records no call.
"""

import signal
import sys
import threading
import time
from pathlib import Path

import endpoints.composition
import endpoints.door_station.main as door_station
from endpoints.config.site import Video
from endpoints.door_station.keeping.quota import Quota
from endpoints.door_station.keeping.recorder import Format, Recorder
from endpoints.door_station.keeping.store import Recording, Store
from endpoints.door_station.pictures import Pictures
from hal.camera import Camera
from media.recent import Heard, Recent
from media.voice import Voice

QUOTA = Quota(size=100_000_000)


class CallRecorder:
    """Switched on and off by a signal, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.recent = Recent()
        self.on = False
        self._folder = folder
        self._store: Store | None = None
        self._recorder: Recorder | None = None
        self.pictures: Pictures | None = None
        self.video = Video()

    def obey(self) -> None:
        """Switch with each signal, for ever."""
        while True:
            signal.sigwait({signal.SIGUSR1})
            self._switch()

    def _switch(self) -> None:
        if self.pictures is None:
            return
        self.on = not self.on
        if self.on:
            self.pictures.watch(self.recent)
            form = Format(self.video.width, self.video.height, self.video.rate)
            self._recorder = Recorder(self._begin, form, lambda why: None, lambda kept: None)
            self.recent.follow(self._recorder)
        elif self._recorder is not None:
            self.pictures.unwatch(self.recent)
            self.recent.forget()
            self._recorder.end()

    def _begin(self) -> Recording:
        if self._store is None:
            self._store = Store(self._folder, QUOTA)
        return self._store.begin("301", "0" * 32)


def main(argv: list[str]) -> int:
    """Run the door station until it is told to stop."""
    recorder = CallRecorder(Path(argv[argv.index("--site") + 1]).parent / "recorded")

    class HeardVoice(Voice):
        """What the microphone hears in a call is recorded too."""

        def capture(self) -> bytes:
            frame = super().capture()
            if recorder.on:
                recorder.recent.heard(Heard(frame, time.monotonic()))
            return frame

    class SeenPictures(Pictures):
        """The recorder gets the same encoded pictures as the screens."""

        def __init__(self, camera: Camera, video: Video, secure: bool) -> None:
            super().__init__(camera, video, secure)
            recorder.pictures, recorder.video = self, video

    vars(endpoints.composition)["Voice"] = HeardVoice
    vars(door_station)["Pictures"] = SeenPictures
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # for all threads, but for the one that waits for it
    threading.Thread(target=recorder.obey, name="switch", daemon=True).start()
    return door_station.main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
