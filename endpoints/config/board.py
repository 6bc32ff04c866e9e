"""The board file: which backend drives which device, and with which wiring. No accounts, no secrets."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from endpoints.config.section import Name, Section
from hal.registry import open_device

Kind = Literal["door-station", "indoor-unit", "phone", "management-console"]

DOOR_STATION = {
    "camera": "camera",
    "microphone": "microphone",
    "speaker": "speaker",
    "lock": "relay",
    "keypad": "keypad",
    "call_button": "button",
    "exit_button": "button",
    "door_contact": "contact",
    "tamper_switch": "contact",
    "indicator": "indicator",
    "service_port": "service_port",
}
SCREEN = {
    "display": "display",
    "microphone": "microphone",
    "speaker": "speaker",
    "camera": "camera",
    "keypad": "keypad",
    "answer_button": "button",
    "decline_button": "button",
    "unlock_button": "button",
    "hangup_button": "button",
    "mute_button": "button",
    "dnd_button": "button",
    "call_button": "button",
    "history_button": "button",
    "service_port": "service_port",
}
"""What indoor unit, phone and management console share."""
RESIDENT = {
    **SCREEN,
    "guard_button": "button",
    "emergency_button": "button",
    "messages_button": "button",
    "play_button": "button",
    "delete_button": "button",
    "monitor_button": "button",
    "indicator": "indicator",
}
CONSOLE = {
    **SCREEN,
    "callback_button": "button",
    "transfer_button": "button",
    "monitor_button": "button",
    "snapshot_button": "button",
    "record_button": "button",
}
KINDS: dict[str, dict[str, str]] = {
    "door-station": DOOR_STATION,
    "indoor-unit": RESIDENT,
    "phone": RESIDENT,
    "management-console": CONSOLE,
}
"""For each kind of board: the devices it may have, and the ability each one needs."""
REQUIRED: dict[str, tuple[str, ...]] = {
    "door-station": ("camera", "microphone", "speaker", "lock"),
    "indoor-unit": ("display", "microphone", "speaker", "answer_button", "unlock_button", "hangup_button"),
    "phone": ("display", "microphone", "speaker", "answer_button", "unlock_button", "hangup_button"),
    "management-console": ("display", "microphone", "speaker", "answer_button", "unlock_button", "hangup_button"),
}
"""Without these a board of that kind cannot do its job; none is ever replaced by a pretended one."""


class BoardInfo(Section):
    """`[board]`: what this board is."""

    name: Name
    kind: Kind


class Device(BaseModel):
    """`[devices.NAME]`: a backend, and the options that go to it as keyword arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    backend: Annotated[str, Field(min_length=1)]

    @property
    def options(self) -> dict[str, object]:
        """Everything but the backend's name."""
        return dict(self.model_extra or {})


class Lock(Section):
    """`[lock]`: how the door's lock behaves."""

    kind: Literal["fail-secure", "fail-safe"] = "fail-secure"
    """fail-secure: opens while energised; fail-safe: opens while released."""
    pulse: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    """Seconds for which an unlock opens the door."""


class Echo(Section):
    """`[echo]`: echo cancellation, noise suppression and gain control of the voice."""

    processing: bool = True
    """False only where the sound hardware does it, or where there is no loudspeaker."""


class Board(Section):
    """A whole board file."""

    board: BoardInfo
    lock: Lock = Lock()
    echo: Echo = Echo()
    devices: dict[str, Device]

    @property
    def name(self) -> str:
        """The board's name."""
        return self.board.name

    @property
    def kind(self) -> str:
        """Which app runs here: a key of `KINDS`."""
        return self.board.kind

    def options(self, name: str) -> dict[str, object]:
        """What goes to the backend of device `name`: its own options, and for the lock its kind."""
        options = self.devices[name].options
        return {**options, "kind": self.lock.kind} if name == "lock" else options

    def open(self, name: str) -> Any | None:
        """Open device `name`; None if this board has none. Raises HalError, never opens another one instead."""
        if name not in self.devices:
            return None
        return open_device(KINDS[self.kind][name], self.devices[name].backend, self.options(name))

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Board":
        missing = [name for name in REQUIRED[self.kind] if name not in self.devices]
        if missing:
            tables = ", ".join(f"[devices.{name}]" for name in missing)
            raise ValueError(f"a {self.kind} needs {tables}; nothing is pretended when a device is missing")
        if "lock" in self.devices and "kind" in self.devices["lock"].options:
            raise ValueError("devices.lock.kind belongs into the table [lock]")
        if self.kind == "door-station" and not {"keypad", "call_button"} & self.devices.keys():
            raise ValueError("a door-station needs [devices.keypad] or [devices.call_button], or nobody can ring")
        return self
