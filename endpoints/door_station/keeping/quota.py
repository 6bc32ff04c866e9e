"""What is deleted to make room, and in which order.

1. what the server has and that is older than the age
2. while there is too much: what the server has, oldest first
3. then what the server will never take, or what is damaged, oldest first
4. then what still waits, oldest first: that is a loss, and it is told

Age alone deletes nothing that waits, so that a clock that jumps ahead costs nothing; the order is that of the items'
numbers, not of their times.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from endpoints.door_station.keeping.items import Item, State

_TURN = {State.UPLOADED: 0, State.REFUSED: 1, State.DAMAGED: 1, State.WAITING: 2}


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be kept."""

    size: int = 500_000_000
    """Bytes of all files together."""
    age: float = 30 * 86_400.0
    """Seconds that something stays here after it was made, once the server has it."""


def doomed(items: Iterable[Item], quota: Quota, now: float, room: int = 0) -> Iterator[Item]:
    """What has to go at the time `now` (seconds since 1970) so that `room` bytes more fit."""
    kept = sorted(items, key=lambda item: (_TURN[item.state], item.label.number))
    old = [item for item in kept if item.state is State.UPLOADED and now - item.label.started.timestamp() > quota.age]
    yield from old
    total = room + sum(item.size for item in kept) - sum(item.size for item in old)
    for item in kept:
        if total <= quota.size:
            return
        if item not in old:
            total -= item.size
            yield item
