"""The site file of a HomeLink: which home it serves, where it listens, and its limits."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from servers.kamailio.config import Listener, TlsFiles, Transport
from servers.kamailio.database import Databases
from servers.sitefile import Section, load

Port = Annotated[int, Field(ge=1, le=65535)]


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


SitePath = Annotated[Path, AfterValidator(_from_file)]
ReadableFile = Annotated[Path, AfterValidator(_from_file), AfterValidator(_readable)]


class HomeSection(Section):
    """[homelink]"""

    name: str = Field(min_length=1, max_length=100)
    """Of the home, for people: ``Family Chen``."""
    realm: Annotated[str, AfterValidator(_host_name)]
    address: Annotated[str, AfterValidator(_ip_address)]
    """IP address to listen on; 0.0.0.0 or :: for all."""
    home: Annotated[str, AfterValidator(_user)] = "home"
    """User part of the home's own address."""


class ListenSection(Section):
    """[listen]: a port for each transport that is served."""

    tls: Port | None = None
    tcp: Port | None = None
    udp: Port | None = None

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


class Site(Section):
    """The whole file."""

    homelink: HomeSection
    listen: ListenSection
    tls: TlsSection | None = None
    data: SitePath
    """Folder of accounts, registrations and call records."""
    timers: TimersSection = TimersSection()
    records: RecordsSection = RecordsSection()
    limits: LimitsSection = LimitsSection()

    @model_validator(mode="after")
    def _tls_needs_files(self) -> "Site":
        if self.listen.tls and not self.tls:
            raise ValueError("[listen] tls needs a [tls] table with authority, certificate and key")
        return self

    @property
    def address_of_record(self) -> str:
        """What the home's devices register as and a visitor's call is for."""
        return f"sip:{self.homelink.home}@{self.homelink.realm}"

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Safest first."""
        ports: dict[Transport, int | None] = {"tls": self.listen.tls, "udp": self.listen.udp, "tcp": self.listen.tcp}
        return tuple(Listener(name, self.homelink.address, port) for name, port in ports.items() if port)

    @property
    def tls_files(self) -> TlsFiles | None:
        """The files of [tls]; None without that table, or when TLS is not served."""
        if self.tls is None or not self.listen.tls:
            return None
        return TlsFiles(self.tls.authority, self.tls.certificate, self.tls.key)

    @property
    def databases(self) -> Databases:
        """The SQLite files in the data folder."""
        return Databases(self.data)

    @property
    def run_folder(self) -> Path:
        """Configuration, control socket and process number of the running server."""
        return self.data / "run"

    @property
    def control(self) -> Path:
        """Socket of Kamailio's JSON-RPC."""
        return self.run_folder / "rpc.sock"


def load_site(path: Path) -> Site:
    """Read a site file. Raises SiteError with all of its problems."""
    return load(path, Site)
