"""What the site files of all SIP servers have in common: where a server listens, its limits, and who is above it."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from servers.errors import DeviceError
from servers.kamailio.config import Capacity, Listener, Nodes, TlsFiles, Trace, Transport
from servers.kamailio.database import Databases
from servers.kamailio.kinds import Kind
from servers.sitefile import Section

Port = Annotated[int, Field(ge=1, le=65535)]
_UPSTREAM = re.compile(
    r"sip:(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d+);transport=(?P<transport>tls|tcp|udp)"
)


def _from_file(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path


def _existing(path: Path) -> Path:
    with path.open("rb"):  # an OSError becomes a problem of the file
        return path


def _readable(path: Path) -> Path:
    try:
        return _existing(path)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}: {path}") from error


def _ip_address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", text):
        raise ValueError("must be a host name such as home301.example")
    return text


def _user(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise ValueError("must be letters, digits, '_', '.' or '-'")
    return text


def _address(uri: str) -> SplitResult:
    return urlsplit(uri.replace("sip:", "sip://", 1).partition(";")[0])


def _upstream_uri(text: str) -> str:
    match = _UPSTREAM.fullmatch(text)
    if match is None:
        raise ValueError("must be like sip:10.0.0.2:5061;transport=tls, with port and transport")
    if match["transport"] != "tls" and re.search(r"[A-Za-z]", match["host"].strip("[]")) and ":" not in match["host"]:
        raise ValueError("needs an IP address unless its transport is tls: the server is known by its address")
    return text


SitePath = Annotated[Path, AfterValidator(_from_file)]
ReadableFile = Annotated[Path, AfterValidator(_from_file), AfterValidator(_readable)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
HostName = Annotated[str, AfterValidator(_host_name)]
User = Annotated[str, AfterValidator(_user)]
AuthorityName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 _.-]{0,64}$")]


class IdentitySection(Section):
    """The table that tells the kind of server by its name: [homelink], [management], [cloud]."""

    name: str = Field(min_length=1, max_length=100)
    """For people."""
    realm: HostName
    """Host part of this server's addresses, and realm of its accounts."""
    address: IpAddress
    """IP address to listen on; 0.0.0.0 or :: for all."""


class ListenSection(Section):
    """[listen]: a port for each transport that is served."""

    tls: Port | None = None
    tcp: Port | None = None
    udp: Port | None = None
    advertise: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$")] | None = None
    """``host:port`` under which others reach this server, where a router passes on to it; it stands in our messages."""

    @model_validator(mode="after")
    def _some(self) -> "ListenSection":
        if not (self.tls or self.tcp or self.udp):
            raise ValueError("needs a port for at least one of tls, tcp, udp")
        if self.tls is not None and self.tls == self.tcp:
            raise ValueError("tls and tcp need ports of their own")
        return self


class TlsSection(Section):
    """[tls]: files made by `intercom community issue`, relative to the site file."""

    authority: ReadableFile
    certificate: ReadableFile
    key: ReadableFile


class TimersSection(Section):
    """[timers]: seconds."""

    ring: float = Field(default=45.0, ge=1, le=180)
    """All devices stop ringing after this."""
    reach: float = Field(default=2.0, ge=0.2, le=10)
    """A device that sends nothing at all within this is unreachable."""
    call: int = Field(default=7200, ge=60)
    """Longest call."""


class RecordsSection(Section):
    """[records]"""

    days: int = Field(default=365, ge=1, le=36500)
    """Older call records are deleted."""


class LimitsSection(Section):
    """[limits]: what a stranger may do before there is silence."""

    requests: int = Field(default=100, ge=10)
    """Requests per source address in two seconds, not counting those from where a login succeeded."""
    failures: int = Field(default=7, ge=2)
    """Wrong passwords per account and source address in a minute."""
    source_failures: int = Field(default=50, ge=2)
    """Failed logins of any account per source address in a minute."""
    ban: int = Field(default=120, ge=1)
    """Seconds of silence."""
    idle: int = Field(default=20, ge=1)
    """Seconds that a connection without login may stay."""


class UpstreamSection(Section):
    """[upstream]: the server above, where this one registers and hands on the calls that it does not serve itself."""

    uri: Annotated[str, AfterValidator(_upstream_uri)]
    standby: tuple[Annotated[str, AfterValidator(_upstream_uri)], ...] = Field(default=(), max_length=7)
    """The other nodes of a server of several: registered at all, called where `uri` does not answer."""
    user: User
    """Account at the server above; over TLS also the name (CN) in this server's certificate."""
    password: str = Field(default="", repr=False)
    """May be left out where this server's certificate is enough."""
    realm: HostName
    public: Annotated[str, AfterValidator(_upstream_uri)] | None = None
    """How others reach that server, where it is not by `uri`; it stands in the directory."""
    service: Annotated[str, Field(pattern=r"^(https?://[^\s/?#@]{1,200})?$")] = ""
    """Its HTTP service: ``https://10.0.0.2:8443``; "" leaves directory and missed calls unasked for."""
    service_standby: tuple[Annotated[str, Field(pattern=r"^https?://[^\s/?#@]{1,200}$")], ...] = Field(
        default=(), max_length=7
    )
    """The HTTP services of the other nodes: each can ask this server what a phone on 4G wants to know."""
    refresh: float = Field(default=30.0, ge=0.1, le=3600)
    """Seconds between two questions there."""
    authority: AuthorityName = ""
    """Name (CN) of who signed that server's certificate, where it is not our own authority; [tls] holds both."""

    @model_validator(mode="after")
    def _same_transport(self) -> "UpstreamSection":
        if any(uri.partition(";")[2] != self.uri.partition(";")[2] for uri in self.standby):
            raise ValueError("standby needs the same transport as uri")
        return self

    @model_validator(mode="after")
    def _standby_of_a_service(self) -> "UpstreamSection":
        if self.service_standby and not self.service:
            raise ValueError("service_standby needs service")
        return self

    @property
    def services(self) -> tuple[str, ...]:
        """`service` and `service_standby`."""
        return (self.service, *self.service_standby) if self.service else ()

    @property
    def uris(self) -> tuple[str, ...]:
        """`uri` and `standby`."""
        return (self.uri, *self.standby)

    @property
    def places(self) -> tuple[str, ...]:
        """``host:port`` of each, IPv6 without brackets."""
        parts = map(_address, self.uris)
        return tuple(f"{part.hostname}:{part.port}" for part in parts)

    @property
    def transport(self) -> Transport:
        """Of `uri`."""
        return next(name for name in ("tls", "tcp", "udp") if self.uri.endswith(f"={name}"))


class HttpSection(Section):
    """[http]: the service for directory and records beside SIP, at the same address, with the same certificate."""

    port: Port
    admins: tuple[str, ...] = ()
    """Accounts of consoles that may change the directory over HTTP."""


class TraceSection(Section):
    """[trace]: to find out what happens in calls, a copy of every SIP message goes to a collector (HEP 3 over UDP)."""

    collector: Annotated[str, Field(pattern=r"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:]+\]):\d{1,5}$")]
    """``127.0.0.1:9060``; what it is told is not encrypted."""
    number: int = Field(default=1, ge=1, le=65535)
    """Tells the collector which server it was."""
    port: Port | None = None
    """UDP port that the copies are sent from; only needed where [listen] has no udp. Nothing is taken there."""


class DatabaseSection(Section):
    """[database]: where records and directory are kept instead of the SQLite files in the data folder."""

    url: str = Field(min_length=1, repr=False)
    """``postgresql://user:password@host/name``"""


class ServerSite(Section):
    """The whole file but for the identity's table, which each kind of server adds under its own name."""

    program: ClassVar[str]
    """Name of the command and of the identity's table."""
    title: ClassVar[str]
    """In sentences for people."""
    parent: ClassVar[str] = ""
    """Role of the server above in its certificate; "" if there is none above this kind of server."""
    kinds: ClassVar[tuple[Kind, ...]]
    tables: ClassVar[tuple[str, ...]] = ("accounts",)
    """What Kamailio has in memory of the accounts."""
    """Accounts that this server has."""
    capacity: ClassVar[Capacity] = Capacity()
    """How many may be connected."""

    listen: ListenSection
    tls: TlsSection | None = None
    data: SitePath
    """Folder of accounts, registrations and call records."""
    timers: TimersSection = TimersSection()
    records: RecordsSection = RecordsSection()
    limits: LimitsSection = LimitsSection()
    upstream: UpstreamSection | None = None
    http: HttpSection | None = None
    trace: TraceSection | None = None
    database: DatabaseSection | None = None

    @model_validator(mode="after")
    def _tls_needs_files(self) -> "ServerSite":
        if self.listen.tls and not self.tls:
            raise ValueError("[listen] tls needs a [tls] table with authority, certificate and key")
        return self

    @model_validator(mode="after")
    def _trace_needs_port(self) -> "ServerSite":
        if self.trace and not (self.listen.udp or self.trace.port):
            raise ValueError("[trace] needs a port to send from where [listen] has no udp")
        return self

    @model_validator(mode="after")
    def _upstream_needs_transport(self) -> "ServerSite":
        if self.upstream and not getattr(self.listen, self.upstream.transport):
            raise ValueError(f"[upstream] uri needs a port for {self.upstream.transport} in [listen]")
        return self

    @property
    def identity(self) -> IdentitySection:
        """The table that names this server."""
        raise NotImplementedError

    def address_user(self, name: str, kind: Kind, home: str) -> str:
        """User part of the address that a new account registers; `home` is what the person gave, "" for nothing.

        Raises DeviceError if this kind needs a home, or must not have one.
        """
        raise NotImplementedError

    def home_named(self, flat: str) -> str:
        """What this server calls a home that the server above knows by `flat`."""
        return flat

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Safest first."""
        ports: dict[Transport, int | None] = {"tls": self.listen.tls, "udp": self.listen.udp, "tcp": self.listen.tcp}
        public = self.listen.advertise or ""
        return tuple(Listener(name, self.identity.address, port, public) for name, port in ports.items() if port)

    def listeners_for(self, kind: Kind) -> tuple[Listener, ...]:
        """Where devices of this kind log in with an account; safest first."""
        return self.listeners

    @property
    def tls_files(self) -> TlsFiles | None:
        """The files of [tls]; None without that table, or when TLS is not served."""
        if self.tls is None or not self.listen.tls:
            return None
        return TlsFiles(self.tls.authority, self.tls.certificate, self.tls.key)

    def admits(self, authority: str, role: str, name: str) -> bool:
        """Whether this authority, by its name, may sign for that node; it is one of those in [tls]."""
        if self.upstream and self.upstream.authority and authority == self.upstream.authority:
            return role == self.parent
        return True

    @property
    def trace_target(self) -> Trace | None:
        """The collector of [trace]."""
        if self.trace is None:
            return None
        port = None if self.listen.udp else self.trace.port
        sender = Listener("udp", self.identity.address, port) if port else None
        return Trace(self.trace.collector, self.trace.number, sender)

    @property
    def nodes(self) -> Nodes | None:
        """Where several nodes serve as one: this one and the others."""
        return None

    @property
    def copied_tables(self) -> tuple[str, ...]:
        """What Kamailio has in its memory of the file that all nodes keep alike."""
        return self.tables

    @property
    def databases(self) -> Databases:
        """The SQLite files in the data folder."""
        return Databases(self.data)

    @property
    def database_url(self) -> str:
        """Where records and directory are kept."""
        return self.database.url if self.database else f"sqlite:///{self.databases.store.resolve()}"

    @property
    def run_folder(self) -> Path:
        """Configuration, control socket and process number of the running server."""
        return self.data / "run"

    @property
    def control(self) -> Path:
        """Socket of Kamailio's JSON-RPC."""
        return self.run_folder / "rpc.sock"


def needed_home(name: str, kind: Kind, home: str) -> str:
    """`home`, checked. Raises DeviceError if it is missing or cannot stand in an address."""
    if not home:
        raise DeviceError(f"device {name!r} of kind {kind} belongs to a home: say which with --home")
    try:
        return _user(home)
    except ValueError as error:
        raise DeviceError(f"home {home!r} {error}") from error


def no_home(name: str, kind: Kind, home: str) -> None:
    """Raises DeviceError if a home was given to an account that has none."""
    if home:
        raise DeviceError(f"device {name!r} of kind {kind} belongs to no home: leave --home out")
