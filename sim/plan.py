"""What a simulated community consists of: its servers, its homes and its devices, small or whole."""

from dataclasses import dataclass
from pathlib import Path

ADDRESS = "127.0.0.1"
"""Where servers listen."""
DEVICES = "127.0.1."
"""Devices have addresses of their own on loopback, by which a message tells who sent it."""
BOARDS = Path(__file__).parent.parent / "board-configs"
WATCHER = "management:lakeside"
HOME_WATCHER = "homelink:home"
"""In whose name the tokens are made where a community has no server for it."""
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
    priority: int = 1
    """Of a management console: those of 1 are called first."""
    camera: bool = False
    """Of an indoor unit: whether it shows who stands before it."""

    @property
    def board(self) -> Path:
        """The board file of a simulated device of this role."""
        return BOARDS / f"simulator-{self.role}{'-camera' if self.camera else ''}.toml"


@dataclass(frozen=True, slots=True)
class CommunityPlan:
    """Everything that is started."""

    name: str
    """In addresses: ``lakeside``."""
    servers: tuple[ServerPlan, ...]
    homes: tuple[HomePlan, ...]
    devices: tuple[DevicePlan, ...]
    call_flat: str = "301"
    """Whom the call button of a door station rings."""
    lines: bool = False
    """Whether the lines between the parties can be cut; then SIP takes a way through the simulator."""
    watcher: str = ""
    """Ed25519 public key, base64, of who makes the tokens to watch a door that has a people file; "" for nobody."""
    ring: float = 45.0
    """Seconds that a door station lets it ring, in all stages together."""

    @property
    def directory(self) -> bool:
        """Whether there is a server that tells doors whom to call; else they have a people file."""
        return self.server("management") is not None

    def server(self, role: str) -> ServerPlan | None:
        """The first server of that role."""
        return next((server for server in self.servers if server.role == role), None)

    @property
    def clients(self) -> tuple[DevicePlan, ...]:
        """The devices that are programs of the product; a telephone is not."""
        return tuple(device for device in self.devices if device.role != "telephone")

    def address(self, device: str) -> str:
        """The address of the device of that name."""
        names = [each.name for each in self.devices]
        return f"{DEVICES}{names.index(device) + 1}"

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


def indoor_units(count: int, cameras: int = 0) -> tuple[DevicePlan, ...]:
    """The indoor units of home 301; the first of them have `cameras`."""
    return tuple(
        DevicePlan(
            f"indoor{number}",
            "indoor-unit",
            ROOMS[(number - 1) % len(ROOMS)],
            "homelink",
            "301",
            camera=number <= cameras,
        )
        for number in range(1, count + 1)
    )


def whole(screens: int) -> CommunityPlan:
    """Everything that a community can have: cloud and management server, two homes with HomeLink and one without, two
    doors, three consoles, phones at home and away, and a telephone of the public network."""
    lakeside = "lakeside"
    management = ServerPlan("management", "management", "Lakeside Gardens", "lakeside.example", "cloud")
    homelink = ServerPlan("homelink", "homelink", "Family Chen", "home301.example", "management")
    other = ServerPlan("homelink303", "homelink", "Family Okafor", "home303.example", "management")
    cloud = ServerPlan("cloud", "cloud", "Cloud", "cloud.example")
    homes = (
        HomePlan("301", "Family Chen", "homelink", "+12025550147"),
        HomePlan("302", "Family Weber", "management"),
        HomePlan("303", "Family Okafor", "homelink303"),
    )
    doors = tuple(DevicePlan(f"door{n}", "door-station", f"Gate {n}", "management") for n in (1, 2))
    residents = (
        *indoor_units(screens, cameras=1),
        DevicePlan("phone1", "phone", "Phone at home", "homelink", "301"),
        DevicePlan("indoor302", "indoor-unit", "Living room", "management", "302"),
        DevicePlan("indoor303", "indoor-unit", "Parlour", "homelink303", "303", camera=True),
        DevicePlan("phone2", "phone", "Phone on 4G", "cloud", "301"),
        DevicePlan("telephone1", "telephone", "Telephone", None, "301"),
    )
    consoles = (
        DevicePlan("console1", "management-console", "Gate house", "management", priority=1),
        DevicePlan("console2", "management-console", "Reception", "management", priority=1),
        DevicePlan("console3", "management-console", "Night desk", "management", priority=2),
    )
    devices = (*doors, *residents, *consoles)
    return CommunityPlan(lakeside, (cloud, management, other, homelink), homes, devices, lines=True)


PLANS = {"small": small, "whole": whole}
"""The communities that there are, by name; each is made for a number of indoor units of home 301."""
