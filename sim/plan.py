"""What a simulated community consists of: its servers, its homes and its devices, small or whole."""

from dataclasses import dataclass, field
from pathlib import Path

BOARDS = Path(__file__).parent.parent / "board-configs"
ROOMS = ("Hall", "Kitchen", "Bedroom", "Study")


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One server; its role is also the command that starts it."""

    name: str
    role: str
    title: str
    """For people: ``Family Chen``."""
    realm: str
    upstream: str | None = None
    """The server above, by name."""


@dataclass(frozen=True, slots=True)
class HomePlan:
    """One flat."""

    flat: str
    family: str
    server: str
    """Where its indoor units register: its HomeLink, or the management server (R1)."""
    telephone: str = ""
    """Number in the public telephone network, "" without one."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device; its role is also the command that starts it."""

    name: str
    role: str
    place: str
    """For people."""
    server: str | None
    """Where it registers; None: nowhere (R4)."""
    flat: str | None = None
    priority: float = 1.0
    """Of a management console: the highest group is called first."""

    @property
    def board(self) -> Path:
        """The board file of a simulated device of this role."""
        return BOARDS / f"simulator-{self.role}.toml"


@dataclass(frozen=True, slots=True)
class CommunityPlan:
    """Everything that is started."""

    name: str
    """In addresses: ``lakeside``."""
    servers: tuple[ServerPlan, ...]
    homes: tuple[HomePlan, ...]
    devices: tuple[DevicePlan, ...]
    call_flat: str = field(default="301")
    """Whom the call button of a door station rings."""

    def server(self, role: str) -> ServerPlan | None:
        """The first server of that role."""
        return next((server for server in self.servers if server.role == role), None)

    @property
    def clients(self) -> tuple[DevicePlan, ...]:
        """The devices that are programs of the product; a telephone is not."""
        return tuple(device for device in self.devices if device.role != "telephone")

    def home(self, flat: str | None) -> HomePlan | None:
        """The home of that flat."""
        return next((home for home in self.homes if home.flat == flat), None)


def small(screens: int) -> CommunityPlan:
    """One home with its HomeLink, `screens` indoor units and a phone, and a door station that calls it."""
    homelink = ServerPlan("homelink", "homelink", "Family Chen", "home301.example")
    door = DevicePlan("door1", "door-station", "Gate 1", None)
    phone = DevicePlan("phone1", "phone", "Phone", "homelink", "301")
    home = HomePlan("301", "Family Chen", "homelink")
    return CommunityPlan("lakeside", (homelink,), (home,), (door, *indoor_units(screens), phone))


def indoor_units(count: int) -> tuple[DevicePlan, ...]:
    """The indoor units of home 301."""
    return tuple(
        DevicePlan(f"indoor{number}", "indoor-unit", ROOMS[(number - 1) % len(ROOMS)], "homelink", "301")
        for number in range(1, count + 1)
    )
