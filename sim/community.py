"""Writes the files of a community in one folder: authority, HomeLink's site, every device's site, the people."""

import json
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path

from servers.community.authority import Community, IssuedFiles, Role
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts
from servers.kamailio.accounts import Credentials
from servers.kamailio.kinds import Kind
from sim.errors import SimError

ADDRESS = "127.0.0.1"
FLAT = "301"
HOME = "Family Chen"
REALM = "home301.example"
BOARDS = Path(__file__).parent.parent / "board-configs"
PORTS = range(10_000, 30_000)
"""Below the ports that Linux gives to outgoing connections, so that nobody takes one between our look and our use."""

Table = dict[str, object]
Tables = dict[str, Table]


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device of the community."""

    name: str
    role: str
    place: str
    flat: str | None = None

    @property
    def board(self) -> Path:
        """The board file of a simulated device of this role."""
        return BOARDS / f"simulator-{self.role}.toml"


@dataclass(frozen=True, slots=True)
class Guest:
    """An account for any SIP client."""

    server: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CommunityFiles:
    """Where everything was written."""

    homelink: Site
    homelink_site: Path
    device_sites: dict[str, Path]
    guest: Guest


def plan(screens: int) -> list[DevicePlan]:
    """A door station, `screens` indoor units and a phone."""
    rooms = ("Hall", "Kitchen", "Bedroom", "Study")
    door = DevicePlan("door1", "door-station", "Gate 1")
    units = [
        DevicePlan(f"indoor{number}", "indoor-unit", rooms[(number - 1) % len(rooms)], FLAT)
        for number in range(1, screens + 1)
    ]
    return [door, *units, DevicePlan("phone1", "phone", "Phone", FLAT)]


def write_community(folder: Path, devices: list[DevicePlan], plain_udp: bool) -> CommunityFiles:
    """Make all files below `folder`, which only we may read. Raises IntercomError."""
    writer = _Writer(folder, "udp" if plain_udp else "tls", free_port())
    site = writer.homelink()
    made = {device.name: writer.account(site, device) for device in devices}
    sites = {device.name: writer.device(site, device, made[device.name]) for device in devices}
    writer.people(site, devices, made)
    guest = accounts.add(site, "guest", Kind.GUEST)
    return CommunityFiles(site, writer.homelink_site, sites, Guest("homelink", guest.user, guest.password))


def free_port() -> int:
    """A port on loopback that is free for TCP and UDP now. Raises SimError."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((ADDRESS, port))
                udp.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise SimError(f"no port from {PORTS.start} to {PORTS.stop} is free on {ADDRESS}")


class _Writer:
    """Knows where things lie in the folder, and the transport they speak."""

    def __init__(self, folder: Path, transport: str, port: int) -> None:
        self._folder = folder
        self._transport = transport
        self._port = port
        self._tls = transport == "tls"
        self._authority = Community.create(folder / "authority", "Simulated community") if self._tls else None
        self.homelink_site = folder / "homelink" / "site.toml"

    def homelink(self) -> Site:
        """HomeLink's site file, loaded as HomeLink itself will load it."""
        tables: Tables = {
            "homelink": {"name": HOME, "realm": REALM, "address": ADDRESS},
            "listen": {self._transport: self._port},
            **self._certificate(Role.HOMELINK, "homelink", self.homelink_site.parent),
        }
        _write(self.homelink_site, _toml(tables, data="data"))
        return load_site(self.homelink_site)

    def account(self, site: Site, device: DevicePlan) -> Credentials | None:
        """The device's account at HomeLink; a door station has a certificate instead, where there are certificates."""
        if device.role == "door-station" and self._tls:
            return None
        kinds = {"door-station": Kind.DOOR, "indoor-unit": Kind.INDOOR, "phone": Kind.PHONE}
        return accounts.add(site, device.name, kinds[device.role])

    def device(self, site: Site, device: DevicePlan, account: Credentials | None) -> Path:
        """The device's site file."""
        path = self._folder / device.name / "site.toml"
        resident = device.flat is not None
        flat = {"flat": device.flat} if device.flat else {"call_flat": FLAT}
        sip: Table = {"user": device.name, "domain": REALM, "transport": self._transport, "address": ADDRESS}
        sip |= {"srtp": self._tls, "password": account.password if account else "", "realm": site.homelink.realm}
        if resident and account:
            sip |= {"registrar": account.registrars[0], "retry": 1.0}
        tables: Tables = {"device": {"name": device.name, "place": device.place, **flat}, "sip": sip}
        tables |= self._certificate(Role(device.role), device.name, path.parent)
        if resident and account:
            tables["unlock"] = {"key": account.unlock_key}
            _write(path, _toml(tables, data="data"))
        else:
            _write(path, _toml(tables, data="data", people="people.toml"))
        return path

    def people(self, site: Site, devices: list[DevicePlan], made: dict[str, Credentials | None]) -> None:
        """The people file of every door station."""
        keys = {name: account.unlock_public_key for name, account in made.items() if account}
        residents: Table = {device.name: keys[device.name] for device in devices if device.flat}
        home = f"sip:{site.homelink.home}@{ADDRESS}:{self._port};transport={self._transport}"
        tables: Tables = {f"flats.{FLAT}": {"name": HOME, "homelink": home}, f"flats.{FLAT}.devices": residents}
        for device in devices:
            if device.role == "door-station":
                _write(self._folder / device.name / "people.toml", _toml(tables))

    def _certificate(self, role: Role, name: str, folder: Path) -> Tables:
        if self._authority is None:
            return {}
        files: IssuedFiles = self._authority.issue(role, name, [ADDRESS], folder)
        paths = {"authority": files.authority, "certificate": files.certificate, "key": files.key}
        return {"tls": {key: path.name for key, path in paths.items()}}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def _toml(tables: Tables, **top: str) -> str:
    """TOML of plain values; JSON's notation of texts, numbers and truth is TOML's too."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for table, values in tables.items():
        lines += ["", f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join([*lines, ""])
