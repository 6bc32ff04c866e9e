"""What stands before the camera: the visitor, on film or before the machine's webcam."""

import threading
from collections.abc import Callable

from hal.camera import Picture
from sim.footage.film import Film, Footage, open_film

Size = tuple[int, int, int]


class Look:
    """One camera's look at the street."""

    def __init__(self, film: Film, give_back: Callable[[Film], None]) -> None:
        self._film = film
        self._give_back: Callable[[Film], None] | None = give_back

    def picture(self) -> Picture:
        """What is to be seen now. Raises DeviceLost if it was the webcam and that is gone."""
        return next(self._film)

    def close(self) -> None:
        """Look away; twice does no harm."""
        give_back, self._give_back = self._give_back, None
        if give_back:
            give_back(self._film)


class Street:
    """Opens films, and keeps the bundled one open between two looks: a visitor does not wait for a decoder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rest: dict[Size, Film] = {}

    def look(self, width: int, height: int, rate: int) -> Look:
        """Look at the street. Raises DeviceUnavailable."""
        size = (width, height, rate)
        with self._lock:
            film = self._rest.pop(size, None)
        return Look(film or open_film(width, height, rate), lambda film: self._put_back(size, film))

    def _put_back(self, size: Size, film: Film) -> None:
        with self._lock:
            if isinstance(film, Footage) and size not in self._rest:
                self._rest[size] = film
                return
        film.close()

    def close(self) -> None:
        """Close the films at rest."""
        with self._lock:
            films, self._rest = list(self._rest.values()), {}
        for film in films:
            film.close()
