"""Writes the files of a community in one folder: authority, every server's site, every device's site, the people."""

import json
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from servers.community.authority import Community, IssuedFiles, Role
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts
from servers.kamailio.accounts import Credentials
from servers.kamailio.config import Transport
from servers.kamailio.kinds import Kind
from sim.errors import SimError
from sim.plan import CommunityPlan, DevicePlan, HomePlan, ServerPlan

ADDRESS = "127.0.0.1"
PORTS = range(10_000, 30_000)
"""Below the ports that Linux gives to outgoing connections, so that nobody takes one between our look and our use."""

Table = dict[str, object]
Tables = dict[str, Table]


@dataclass(frozen=True, slots=True)
class Guest:
    """An account for any SIP client."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """One server: what was planned, and what was written for it."""

    plan: ServerPlan
    file: Path
    port: int
    transport: Transport
    guest: Guest

    @property
    def uri(self) -> str:
        """Where it is reached."""
        return f"sip:{ADDRESS}:{self.port};transport={self.transport}"


@dataclass(frozen=True, slots=True)
class CommunityFiles:
    """Where everything was written."""

    servers: dict[str, ServerFiles]
    devices: dict[str, Path]
    gateway: int
    """Port of the gateway to the public telephone network."""


def write_community(folder: Path, plan: CommunityPlan, plain_udp: bool) -> CommunityFiles:
    """Make all files below `folder`, which only we may read. Raises IntercomError."""
    writer = _Writer(folder, plan, "udp" if plain_udp else "tls")
    servers = {server.name: writer.server(server) for server in plan.servers}
    made = {device.name: writer.account(device) for device in plan.clients}
    devices = {device.name: writer.device(device, made[device.name]) for device in plan.clients}
    writer.people(made)
    return CommunityFiles(servers, devices, writer.gateway)


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

    def __init__(self, folder: Path, plan: CommunityPlan, transport: Transport) -> None:
        self._folder, self._plan, self._transport = folder, plan, transport
        self._tls = transport == "tls"
        self._authority = Community.create(folder / "authority", "Simulated community") if self._tls else None
        self._ports = {server.name: free_port() for server in plan.servers}
        self.gateway = free_port()
        self._sites: dict[str, Site] = {}

    # --- servers -----------------------------------------------------------------------------------------------------

    def server(self, plan: ServerPlan) -> ServerFiles:
        """A server's site file, loaded as the server itself will load it, and its guest's account."""
        tables, load = self._server_tables(plan)
        path = self._folder / plan.name / "site.toml"
        tables |= {"listen": {self._transport: self._ports[plan.name]}}
        tables |= self._certificate(Role(plan.role), plan.name, path.parent)
        _write(path, _toml(tables, data="data"))
        site = self._sites[plan.name] = load(path)
        guest = accounts.add(site, "guest", Kind.GUEST)
        return ServerFiles(plan, path, self._ports[plan.name], self._transport, Guest(guest.user, guest.password))

    def _server_tables(self, plan: ServerPlan) -> tuple[Tables, Callable[[Path], Site]]:
        """What differs from kind to kind."""
        if plan.role == "homelink":
            return {"homelink": {"name": plan.title, "realm": plan.realm, "address": ADDRESS}}, load_site
        raise SimError(f"the simulator has no server of the kind {plan.role!r}")

    # --- devices -----------------------------------------------------------------------------------------------------

    def account(self, device: DevicePlan) -> Credentials | None:
        """The device's account where it registers. A door station that registers nowhere has a certificate instead,
        and where there are no certificates an account to call with."""
        if device.server is None and self._tls:
            return None
        kinds = {"door-station": Kind.DOOR, "indoor-unit": Kind.INDOOR, "phone": Kind.PHONE}
        return accounts.add(self._site_of(device), device.name, kinds[device.role])

    def _site_of(self, device: DevicePlan) -> Site:
        home = self._plan.home(device.flat or self._plan.call_flat)
        return self._sites[device.server or (home.server if home else "")]

    def device(self, device: DevicePlan, account: Credentials | None) -> Path:
        """The device's site file."""
        path = self._folder / device.name / "site.toml"
        site = self._site_of(device)
        flat = {"flat": device.flat} if device.flat else {"call_flat": self._plan.call_flat}
        sip: Table = {"user": device.name, "domain": site.homelink.realm, "transport": self._transport}
        sip |= {"address": ADDRESS, "srtp": self._tls, "realm": site.homelink.realm}
        sip |= {"password": account.password if account else ""}
        if device.server and account:
            sip |= {"registrar": account.registrars[0], "retry": 1.0}
        tables: Tables = {"device": {"name": device.name, "place": device.place, **flat}, "sip": sip}
        tables |= self._certificate(Role(device.role), device.name, path.parent)
        if device.flat and account:
            tables["unlock"] = {"key": account.unlock_key}
        top = {"people": "people.toml"} if device.role == "door-station" else {}
        _write(path, _toml(tables, data="data", **top))
        return path

    def people(self, made: dict[str, Credentials | None]) -> None:
        """The people file of every door station."""
        tables: Tables = {}
        for home in self._plan.homes:
            tables |= self._home(home, made)
        for device in self._plan.devices:
            if device.role == "door-station":
                _write(self._folder / device.name / "people.toml", _toml(tables))

    def _home(self, home: HomePlan, made: dict[str, Credentials | None]) -> Tables:
        site = self._sites[home.server]
        uri = f"sip:{site.homelink.home}@{ADDRESS}:{self._ports[home.server]};transport={self._transport}"
        keys = {name: account.unlock_public_key for name, account in made.items() if account}
        residents: Table = {device.name: keys[device.name] for device in self._plan.clients if device.flat == home.flat}
        head = f"flats.{home.flat}"
        return {head: {"name": home.family, "homelink": uri}, f"{head}.devices": residents}

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
