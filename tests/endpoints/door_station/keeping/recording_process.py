"""A process that records one message after the other, uploads them, and waits to be killed.

`python -m ... FOLDER URL TOKEN`; for each line that it reads it forks such a process and says its number, then what
that process says (`ID safe BYTES .`, `ID finished HASH .`), and "gone" when it has been killed.
"""

import os
import sys
from pathlib import Path

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.store import Store
from endpoints.door_station.keeping.uploader import Uploader
from media.movie import MovieWriter
from tests.media.film import HEIGHT, RATE, WIDTH, pictures, sounds

SECONDS = 3
CAMERA, SOUND = pictures(SECONDS * RATE), list(sounds(SECONDS))


def record(folder: str, url: str, token: str) -> None:
    """Until killed."""
    store = Store(Path(folder))
    uploader = Uploader(lambda: store, lambda: {"301": Deposit(url, token)}, lambda: False, 1e9, first_retry=0.02)
    uploader.start()
    while os.getppid() != 1:
        recording = store.begin("301", "0" * 32)

        def append(fragment: bytes) -> None:
            recording.append(fragment)  # noqa: B023 - used up before the next one begins
            say(f"{recording.label.id} safe {recording.size} .")  # noqa: B023

        movie, heard = MovieWriter(WIDTH, HEIGHT, RATE, append), iter(SOUND)
        for picture in CAMERA:
            movie.picture(picture)
            movie.sound(next(heard))
            movie.sound(next(heard))
        movie.close()
        item = recording.finish()
        if item is not None:
            say(f"{item.label.id} finished {item.sha256} .")
        uploader.wake()


def say(line: str) -> None:
    """In one write, so that a kill leaves no half of it."""
    os.write(1, f"{line}\n".encode())


def main(folder: str, url: str, token: str) -> None:
    """Until standard input ends."""
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            record(folder, url, token)
            os._exit(0)
        say(str(child))
        os.waitpid(child, 0)
        say("gone")


main(*sys.argv[1:])
