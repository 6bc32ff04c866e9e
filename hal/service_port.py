"""Service port: where a technician, or the simulator, reads what a device does."""

from collections.abc import Callable, Mapping
from typing import Protocol

Facts = Mapping[str, object]
"""Values that JSON can carry."""


class ServicePort(Protocol):
    """Events and answers go out; nothing that opens a door comes in."""

    def publish(self, event: str, facts: Facts) -> None:
        """Tell that `event` ("state", "unlock", ...) happened; never blocks."""

    def provide(self, question: str, answer: Callable[[], Facts]) -> None:
        """Answer `question` ("state", "stats") with `answer()`, called from any thread."""

    def close(self) -> None:
        """Say no more; twice does no harm."""
