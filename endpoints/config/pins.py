"""Which devices of a board use which pins, and which pins are used twice or are not on the header."""

from collections.abc import Iterator, Mapping

from endpoints.config.board import Board, Device

HEADER = range(28)
"""BCM numbers of the pins on a Raspberry Pi's 40-pin header."""


def pins(device: Device) -> Iterator[tuple[str, int]]:
    """Key and BCM number of every pin that a `gpio` device uses."""
    if device.backend != "gpio":
        return
    options = device.options
    lamps = options.get("lamps")
    named = {"pin": options.get("pin"), **(lamps if isinstance(lamps, Mapping) else {})}
    yield from ((key, pin) for key, pin in named.items() if isinstance(pin, int))
    for key in ("rows", "columns"):
        listed = options.get(key)
        yield from ((key, pin) for pin in (listed if isinstance(listed, list) else []) if isinstance(pin, int))


def pin_problems(board: Board) -> Iterator[str]:
    """One line for each pin that is used a second time or does not exist: `devices.NAME.KEY: problem`."""
    users: dict[int, str] = {}
    for name, device in board.devices.items():
        for key, pin in pins(device):
            place = f"devices.{name}.{key}"
            if pin not in HEADER:
                yield f"{place}: there is no pin {pin} (BCM {HEADER[0]} to {HEADER[-1]})"
            elif pin in users:
                yield f"{place}: pin {pin} is used by {users[pin]} already"
            else:
                users[pin] = place
