"""Writes the files of a community in one folder: authority, every server's site, every device's site, the people."""

import random
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import servers.cloud.site
import servers.cloud.telephones
import servers.homelink.site
import servers.management.site
from servers.community.authority import Community, IssuedFiles, Role
from servers.kamailio import accounts
from servers.kamailio.accounts import Credentials
from servers.kamailio.config import Transport
from servers.kamailio.kinds import Kind
from servers.kamailio.site import ServerSite
from servers.management.site import ManagementSite
from sim.directory import HomeLinkAddress, write_directory
from sim.errors import SimError
from sim.plan import ADDRESS, HOME_WATCHER, WATCHER, CommunityPlan, DevicePlan, HomePlan, ServerPlan
from sim.toml import Table, Tables, toml, write
from sim.trace.hep import Address
from sim.watched import Recorder, Sights
from sim.world.mailbox import Mailbox

CALL_GUARD = "0"
"""What a visitor types to call the property management."""
GUARD_DIALS = "90"
"""What a guard types to call a door station, with its number."""
CONSOLE, DOOR = "management-console", "door-station"
MESSAGE_LIMIT = 20
"""Seconds that a visitor's message may last; a person who tries it does not like to wait."""
PORTS = range(10_000, 30_000)
"""Below the ports that Linux gives to outgoing connections, so that nobody takes one between our look and our use."""

KINDS = {
    DOOR: Kind.DOOR,
    "indoor-unit": Kind.INDOOR,
    "phone": Kind.PHONE,
    CONSOLE: Kind.CONSOLE,
    "homelink": Kind.HOMELINK,
    "management": Kind.MANAGEMENT,
}
"""What the account of a role is."""
LOADERS: dict[str, Callable[[Path], ServerSite]] = {
    "homelink": servers.homelink.site.load_site,
    "management": servers.management.site.load_site,
    "cloud": servers.cloud.site.load_site,
}
"""How the server of a role reads its site file."""


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
class FrontPlan:
    """A port of ours that passes on to a party's own."""

    port: int
    to: str
    target: Address
    party: str = ""
    """Who alone was told of it; "" for one that all know, who are known by their addresses."""
    http: bool = False
    """It leads to the HTTP service, to which everybody comes from the same address."""


@dataclass(frozen=True, slots=True)
class CommunityFiles:
    """Where everything was written."""

    servers: dict[str, ServerFiles]
    devices: dict[str, Path]
    gateway: int
    """Port of the gateway to the public telephone network."""
    trunk: int
    """Port of the cloud server that talks to it."""
    fronts: tuple[FrontPlan, ...]
    """Ports of ours on the way to the servers."""
    mailboxes: dict[str, Mailbox]
    """What visitors left for each home, by flat."""
    recorder: Recorder | None
    """The recorder of cameras, where there is one."""


def write_community(folder: Path, plan: CommunityPlan, plain_udp: bool, collector: str) -> CommunityFiles:
    """Make all files below `folder`, which only we may read; servers tell `collector` of each SIP message.

    Raises IntercomError.
    """
    writer = _Writer(folder, plan, "udp" if plain_udp else "tls", collector)
    servers = {server.name: writer.server(server) for server in plan.servers}
    made = {device.name: writer.account(device) for device in plan.clients}
    devices = {device.name: writer.device(device, made[device.name]) for device in plan.clients}
    writer.people(made)
    recorder = writer.sights.recorder
    mailboxes = {home.flat: writer.mailbox(home) for home in plan.homes}
    return CommunityFiles(servers, devices, writer.gateway, writer.trunk, tuple(writer.fronts), mailboxes, recorder)


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

    def __init__(self, folder: Path, plan: CommunityPlan, transport: Transport, collector: str) -> None:
        self._folder, self._plan, self._transport, self._collector = folder, plan, transport, collector
        self._tls = transport == "tls"
        self._authority = Community.create(folder / "authority", "Simulated community") if self._tls else None
        self._ports = {server.name: free_port() for server in plan.servers}
        """Where everybody reaches them."""
        self._services = {server.name: free_port() for server in plan.servers}
        """Where everybody reaches their HTTP services."""
        self._deposits = {home.server: secrets.token_urlsafe(24) for home in plan.homes}
        """What lets a door deposit messages, where no directory tells."""
        self.fronts: list[FrontPlan] = []
        self.gateway, self.trunk = free_port(), free_port()
        self.sights = Sights.of(plan, free_port, self._tls)
        self._sites: dict[str, ServerSite] = {}

    # --- servers -----------------------------------------------------------------------------------------------------

    def server(self, plan: ServerPlan) -> ServerFiles:
        """A server's site file, loaded as the server itself will load it, and its guest's account.

        Those above come first: a server has an account at the one above.
        """
        tables: Tables = {plan.role: self._identity(plan), "listen": self._listen(plan)}
        if plan.role == "management":
            tables["guards"] = {"alive": 1.0}  # a person who tries what happens does not like to wait
        tables |= self._upstream(plan) | (self._trunk() if plan.role == "cloud" else {})
        tables["http"] = {"port": self._http(plan)}
        if plan.role == "homelink" and not self._plan.directory:
            tables["messages"] = {"token": self._deposits[plan.name]}
        tables |= self.sights.of_server(plan, self._plan)
        number = self._plan.servers.index(plan) + 1
        tables["trace"] = {"collector": self._collector, "number": number, "port": free_port()}
        path = self._folder / plan.name / "site.toml"
        tables |= self._certificate(Role(plan.role), self._account_name(plan), ADDRESS, path.parent)
        write(path, toml(tables, data="data"))
        site = self._sites[plan.name] = LOADERS[plan.role](path)
        if isinstance(site, servers.cloud.site.CloudSite):
            self._tell_telephones(site)
        guest = accounts.add(site, "guest", Kind.GUEST)
        return ServerFiles(plan, path, self._ports[plan.name], self._transport, Guest(guest.user, guest.password))

    def _listen(self, plan: ServerPlan) -> Table:
        """Its own port, which is behind one of ours where lines can be cut."""
        port = self._ports[plan.name]
        if not self._plan.lines:
            return {self._transport: port}
        own = free_port()
        self.fronts.append(FrontPlan(port, plan.name, (ADDRESS, own)))
        return {self._transport: own, "advertise": f"{ADDRESS}:{port}"}

    def _http(self, plan: ServerPlan) -> int:
        """The HTTP service's own port, behind one of ours likewise."""
        port = self._services[plan.name]
        if not self._plan.lines:
            return port
        own = free_port()
        self.fronts.append(FrontPlan(port, plan.name, (ADDRESS, own), http=True))
        return own

    def _private(self, to: str, party: str) -> int:
        """A port to the server `to` that only `party` is told of."""
        if not self._plan.lines:
            return self._ports[to]
        known = next(front for front in self.fronts if front.to == to and not front.http)
        port = free_port()
        self.fronts.append(FrontPlan(port, to, known.target, party))
        return port

    def _identity(self, plan: ServerPlan) -> Table:
        table: Table = {"name": plan.title, "realm": plan.realm, "address": ADDRESS}
        return table | ({"community": self._plan.name} if plan.role == "management" else {})

    def _trunk(self) -> Tables:
        """The way to the telephones of the homes."""
        telephone = next((each for each in self._plan.devices if each.role == "telephone"), None)
        if telephone is None:
            return {}
        uri = f"sip:{self._plan.address(telephone.name)}:{self.gateway};transport=udp"
        return {"trunk": {"uri": uri, "port": self.trunk}}

    def _tell_telephones(self, site: servers.cloud.site.CloudSite) -> None:
        """As the management server would have done before."""
        numbers = {home.flat: home.telephone for home in self._plan.homes if home.telephone}
        servers.cloud.telephones.replace(site, self._plan.name, numbers)

    def _account_name(self, plan: ServerPlan) -> str:
        """A server's name at the server above, where a management server is called as its community."""
        return self._plan.name if plan.role == "management" else plan.name

    def _upstream(self, plan: ServerPlan) -> Tables:
        if plan.upstream is None:
            return {}
        above = self._sites[plan.upstream]
        flat = next((home.flat for home in self._plan.homes if home.server == plan.name), "")
        home = flat if plan.role == "homelink" else ""
        account = accounts.add(above, self._account_name(plan), KINDS[plan.role], home)
        uri = f"sip:{ADDRESS}:{self._private(plan.upstream, plan.name)};transport={self._transport}"
        table: Table = {"uri": uri, "user": account.user, "password": account.password, "realm": account.realm}
        table |= {"public": account.registrars[0], "service": self.service(plan.upstream), "refresh": 2.0}
        return {"upstream": table}

    def service(self, server: str) -> str:
        """Its HTTP service."""
        return f"{'https' if self._tls else 'http'}://{ADDRESS}:{self._services[server]}"

    # --- devices -----------------------------------------------------------------------------------------------------

    def account(self, device: DevicePlan) -> Credentials | None:
        """The device's account where it registers. A door station that registers nowhere has a certificate instead,
        and where there are no certificates an account to call with."""
        if device.server is None and self._tls:
            return None
        site = self._site_of(device)
        return accounts.add(site, device.name, KINDS[device.role], self._home_at(site, device.flat or ""))

    def _home_at(self, site: ServerSite, flat: str) -> str:
        """What a server of many homes, or of many communities, calls a home."""
        names = {"management": flat, "cloud": f"{flat}.{self._plan.name}"}
        return names.get(site.program, "")

    def _site_of(self, device: DevicePlan) -> ServerSite:
        home = self._plan.home(device.flat or self._plan.call_flat)
        return self._sites[device.server or (home.server if home else "")]

    def device(self, device: DevicePlan, account: Credentials | None) -> Path:
        """The device's site file."""
        path = self._folder / device.name / "site.toml"
        tables: Tables = {"device": self._device_table(device), "sip": self._sip(device, account)}
        address = self._plan.address(device.name)
        tables |= self._certificate(Role(device.role), device.name, address, path.parent)
        if account and account.unlock_key:
            tables["unlock"] = {"key": account.unlock_key}
        if device.role == DOOR and not self._tls:
            tables |= self._logins(device)
        if device.role == DOOR:
            tables |= {"messages": {"limit": MESSAGE_LIMIT}, "timers": {"ring": self._plan.ring}}
        tables |= self.sights.of_door(device.name)
        if device.role == DOOR and self._plan.watcher:
            tables["watching"] = {"port": 0}
        if device.role == CONSOLE:
            tables["console"] = {"priority": device.priority}
            tables["dial"] = self._doors()
        tables |= self._away(device)
        tables |= self._directory(device)
        top = {"people": "people.toml"} if device.role == DOOR and "directory" not in tables else {}
        write(path, toml(tables, data="data", **top))
        return path

    def _doors(self) -> Table:
        """Short numbers of the guards: 901 calls the first door station."""
        doors = [each.name for each in self._plan.devices if each.role == DOOR]
        return {f"{GUARD_DIALS}{number}": name for number, name in enumerate(doors, 1)}

    def _away(self, device: DevicePlan) -> Tables:
        """A phone of a home with a HomeLink has a second account, at the cloud, for when it is not at home."""
        cloud = self._plan.server("cloud")
        if device.role != "phone" or cloud is None or device.server == cloud.name:
            return {}
        site = self._sites[cloud.name]
        account = accounts.add(site, device.name, Kind.PHONE, self._home_at(site, device.flat or ""))
        realm = site.identity.realm
        table: Table = {"user": device.name, "domain": realm, "realm": realm, "password": account.password}
        table |= {"registrar": account.registrars[0], "transport": self._transport, "srtp": self._tls}
        table["service"] = self.service(cloud.name)
        return {"cloud": table}

    def _directory(self, device: DevicePlan) -> Tables:
        """Where it learns of the others: from the server where it registers, unless that is the cloud server."""
        if not self._plan.directory or device.server is None or self._sites[device.server].program == "cloud":
            return {}
        return {"directory": {"url": self.service(device.server), "refresh": 2.0}}

    def _logins(self, device: DevicePlan) -> Tables:
        """Without certificates a door has an account at every HomeLink that it calls."""
        own = self._site_of(device)
        others = [site for site in self._sites.values() if site.program == "homelink" and site is not own]
        made = [accounts.add(site, device.name, Kind.DOOR) for site in others]
        return {f'accounts."{one.realm}"': {"user": one.user, "password": one.password} for one in made}

    def _device_table(self, device: DevicePlan) -> Table:
        table: Table = {"name": device.name, "place": device.place}
        if device.flat:
            return table | {"flat": device.flat}
        if device.role != DOOR:
            return table
        guarded = {"call_guard": CALL_GUARD} if self._plan.server("management") else {}
        return table | {"call_flat": self._plan.call_flat} | guarded

    def _sip(self, device: DevicePlan, account: Credentials | None) -> Table:
        realm = self._site_of(device).identity.realm
        table: Table = {"user": device.name, "domain": realm, "realm": realm, "transport": self._transport}
        table |= {
            "address": self._plan.address(device.name),
            "srtp": self._tls,
            "password": account.password if account else "",
        }
        if device.role == CONSOLE:
            table |= {"user": servers.management.site.GUARD, "auth_user": device.name}
        if device.server and account:
            table |= {"registrar": account.registrars[0], "retry": 1.0}
        if device.server:
            table["service"] = self.service(device.server)
        return table

    def mailbox(self, home: HomePlan) -> Mailbox:
        """The account of one more device of this home, for the page."""
        site = self._sites[home.server]
        account = accounts.add(site, f"page{home.flat}", Kind.INDOOR, self._home_at(site, home.flat))
        authority = site.tls_files.authority if site.tls_files else None
        return Mailbox(self.service(home.server), account.user, account.password, authority)

    def people(self, made: dict[str, Credentials | None]) -> None:
        """Whom each door station calls: the directory of the management server, or a people file of its own."""
        keys = {name: account.unlock_public_key for name, account in made.items() if account}
        if self._plan.directory:
            self._write_directory(keys)
            return
        tables: Tables = {}
        for home in self._plan.homes:
            tables |= self._home(home, keys)
        if self._plan.watcher:
            tables["watchers"] = dict.fromkeys((WATCHER, HOME_WATCHER), self._plan.watcher)
        for device in self._plan.devices:
            if device.role == DOOR:
                write(self._folder / device.name / "people.toml", toml(tables))

    def _write_directory(self, keys: dict[str, str]) -> None:
        site = next(site for site in self._sites.values() if isinstance(site, ManagementSite))
        homelinks = {
            home.flat: HomeLinkAddress(self._uri("home", home.server), self.service(home.server))
            for home in self._plan.homes
            if self._sites[home.server].program == "homelink"
        }
        write_directory(site, self._plan, homelinks, keys, self.sights)

    def _home(self, home: HomePlan, keys: dict[str, str]) -> Tables:
        service = self.service(home.server)
        table: Table = {"name": home.family, "homelink": self._uri("home", home.server), "records": service}
        deposit: Table = {"url": service, "token": self._deposits[home.server]}
        residents: Table = {device.name: keys[device.name] for device in self._plan.clients if device.flat == home.flat}
        place = f"flats.{home.flat}"
        return {place: table, f"{place}.messages": deposit, f"{place}.devices": residents}

    def _uri(self, user: str, server: str) -> str:
        return f"sip:{user}@{ADDRESS}:{self._ports[server]};transport={self._transport}"

    def _certificate(self, role: Role, name: str, address: str, folder: Path) -> Tables:
        if self._authority is None:
            return {}
        files: IssuedFiles = self._authority.issue(role, name, [address], folder)
        paths = {"authority": files.authority, "certificate": files.certificate, "key": files.key}
        return {"tls": {key: path.name for key, path in paths.items()}}
