"""The site file: accounts, certificates, timers, codes. It holds secrets: mode 0600, never printed, never logged."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from endpoints.config.codes import check_form
from endpoints.config.section import FlatNumber, Name, Seconds, Section, ServiceUrl, SipUri, key_bytes
from endpoints.sip.agent import Login, SipSettings, TlsFiles

Port = Annotated[int, Field(ge=0, le=65_535)]


class DeviceInfo(Section):
    """`[device]`: who this device is."""

    name: Name
    place: Annotated[str, Field(max_length=64)] = ""
    """For people: "Gate 1", "Hall". Shown to whoever is called, and written into pictures."""
    flat: FlatNumber | None = None
    """The flat a resident's device belongs to."""
    call_flat: FlatNumber | None = None
    """The flat that a door station's call button calls; without it the button only calls what was typed."""
    call_guard: FlatNumber | None = None
    """What is typed at a door station to call the property management (G1); no flat may have this number."""
    guard_calls: Literal["answer", "ring", "refuse"] = "answer"
    """A guard's call to a door station: it answers by itself and says so, it rings until somebody presses its call
    button, or it refuses."""
    language: Literal["en", "zh"] = "en"
    """What the device speaks."""
    second_language: Literal["en", "zh"] | None = None
    """What it says everything in once more, after that."""

    @property
    def languages(self) -> tuple[str, ...]:
        """In the order in which they are spoken."""
        second = self.second_language
        return (self.language, second) if second not in (None, self.language) else (self.language,)


class Sip(Section):
    """`[sip]`: the SIP account."""

    user: Name
    domain: Annotated[str, Field(min_length=1)]
    password: SecretStr = SecretStr("")
    auth_user: str = ""
    realm: str = "*"
    registrar: SipUri | None = None
    """Where to register; a door station in a community without management server registers nowhere (R4)."""
    standby: tuple[SipUri, ...] = ()
    """The other nodes, where that server is several machines: tried in turn when one fails."""
    transport: Literal["tls", "tcp", "udp"] = "tls"
    address: str = "0.0.0.0"
    port: Port = 0
    """0: any free one. A door station that is called, or that a firewall must let through, names one."""
    srtp: bool = True
    expires: Annotated[int, Field(ge=30, le=86_400)] = 300
    retry: Seconds = 2.0
    service: ServiceUrl = ""
    """HTTP service of the server where the device registers: it takes records, has a home's messages, and lets doors be
    watched; "": that of [directory]."""
    keep_alive: Annotated[int, Field(ge=0, le=600)] = 15
    session_timer: Annotated[int, Field(ge=90, le=86_400)] = 300


class Account(Section):
    """`[accounts."REALM"]`: the account at one more server, where a certificate is not enough."""

    user: Name
    password: SecretStr


class Tls(Section):
    """`[tls]`: PEM files, relative to the site file."""

    authority: Path
    certificate: Path
    key: Path


class Cloud(Section):
    """`[cloud]`: a phone's account at the cloud server, used where it cannot reach its home's server (R3)."""

    user: Name
    domain: Annotated[str, Field(min_length=1)]
    registrar: SipUri
    standby: tuple[SipUri, ...] = ()
    """The other nodes, where that server is several machines."""
    password: SecretStr
    auth_user: str = ""
    realm: str = "*"
    transport: Literal["tls", "tcp", "udp"] = "tls"
    srtp: bool = True
    tls: Tls | None = None
    """`[cloud.tls]`: other certificates than those of [tls]."""
    service: ServiceUrl = ""
    """HTTP service of the cloud server: it takes records of calls made there, and asks the home for more."""


class Video(Section):
    """`[video]`: what the door's encoder makes."""

    width: Annotated[int, Field(ge=160, le=1920, multiple_of=2)] = 640
    height: Annotated[int, Field(ge=120, le=1088, multiple_of=2)] = 480
    rate: Annotated[int, Field(ge=5, le=60)] = 25
    """Pictures a second."""
    bit_rate: Annotated[int, Field(ge=64_000, le=8_000_000)] = 1_000_000
    """Bits a second."""


class Timers(Section):
    """`[timers]`: all in seconds."""

    ring: Seconds = 45.0
    """A call rings at most this long; at a door station: all stages of a visit, until somebody answers."""
    reach: Seconds = 1.5
    """Without any answer of the next hop for so long a call does not get through."""
    provisional: Seconds = 3.0
    """If nobody rings for so long, though the next hop has the call, it does not get through."""
    queue: Seconds = 180.0
    """How long a visitor waits for a guard while all are busy."""
    confirm: Seconds = 15.0
    """Whoever answers an ordinary telephone has so long to press 1; else it counts as a voicemail."""
    dial: Seconds = 6.0
    """After the last key a typed number is called, or forgotten if it is no flat."""
    talk: Seconds = 120.0
    """A conversation lasts at most this long."""
    message: Seconds = 3.0
    """How long "wrong number", "answered elsewhere", "missed" and the like stay."""
    door_open: Seconds = 60.0
    """The door may stand open this long before the alarm."""


class StageTimers(Section):
    """`[chain.STAGE]`: what one stage of a visit may take, in seconds."""

    ring: Seconds
    """Ringing, unless it is the last stage, which has what is left of `timers.ring`."""
    provisional: Seconds | None = None
    """Instead of `timers.provisional`."""


class Chain(Section):
    """`[chain]`: the stages of a visit."""

    home: StageTimers = StageTimers(ring=15.0)
    phones: StageTimers = StageTimers(ring=12.0, provisional=5.0)
    telephone: StageTimers = StageTimers(ring=18.0, provisional=8.0)
    guard: StageTimers = StageTimers(ring=45.0)


class Lockout(Section):
    """`[lockout]`: what happens after wrong door codes."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Wrong codes in a row before the keypad takes no more codes."""
    seconds: Seconds = 300.0
    """For how long."""


class DirectoryService(Section):
    """`[directory]`: the HTTP service where the directory is fetched and records are handed in: the management
    server's, for a home's devices that of their HomeLink.

    The account is the one of [sip].
    """

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/?$")]
    """``https://management.lakeside.example:8443``"""
    refresh: Seconds = 60.0
    """Seconds between two questions whether the directory has changed."""


class Unlock(Section):
    """`[unlock]`: with what a resident's device signs that the door shall open."""

    key: SecretStr
    """Ed25519 private key, base64 of its 32 raw bytes."""

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: SecretStr) -> SecretStr:
        key_bytes(key.get_secret_value())
        return key

    @property
    def key_bytes(self) -> bytes:
        """The key's 32 raw bytes."""
        return key_bytes(self.key.get_secret_value())


class Messages(Section):
    """`[messages]` of a door station: what visitors leave (V5). Without this table nothing of it is at work."""

    enabled: bool = True
    limit: Annotated[float, Field(ge=5, le=120)] = 30.0
    """Seconds that a message may last."""
    quota: Annotated[int, Field(ge=20, le=1_000_000)] = 500
    """Megabytes that messages and pictures may take here."""
    age: Annotated[float, Field(gt=0, le=3650)] = 30.0
    """Days that something stays here, once the home's server has it."""
    call_rate: Annotated[int, Field(ge=16_000)] = 256_000
    """Bits a second that uploads may take while a call is on."""


class Watching(Section):
    """`[watching]` of a door station: who has a lease sees without a call (M1, M2); without this table nobody."""

    port: Port
    """HTTPS with the certificate of [tls], plain HTTP only where SIP is plain; 0: any free one."""
    viewers: Annotated[int, Field(ge=1, le=64)] = 8
    """How many may watch at once."""
    jpeg_rate: Annotated[float, Field(ge=0.2, le=10)] = 2.0
    """JPEGs a second for those who can take nothing else."""
    rtsp_port: Port | None = None
    """RTSP for recorders and players; 0: any free one. Neither token nor picture is encrypted there."""


class Console(Section):
    """`[console]`: a guard's console among the others."""

    priority: Annotated[int, Field(ge=1, le=10)] = 1
    """Consoles of priority 1 ring first, all at once; the next ones when none of them answers."""

    @property
    def preference(self) -> float:
        """The q value of its Contact: 1.0 for priority 1, a tenth less for each priority after it."""
        return (11 - self.priority) / 10


class Site(Section):
    """A whole site file; paths are absolute after loading."""

    people: Path | None = None
    """The people file of a door station."""
    data: Path = Path("data")
    """The folder where the device keeps what it writes down."""
    device: DeviceInfo
    sip: Sip
    accounts: dict[Annotated[str, Field(min_length=1)], Account] = Field(default_factory=dict)
    """Of a door station that calls several servers: realm -> account."""
    tls: Tls | None = None
    directory: DirectoryService | None = None
    video: Video = Video()
    timers: Timers = Timers()
    chain: Chain = Chain()
    """Of a door station."""
    lockout: Lockout = Lockout()
    unlock: Unlock | None = None
    cloud: Cloud | None = None
    """Of a phone that also works away from home."""
    messages: Messages | None = None
    """Of a door station."""
    watching: Watching | None = None
    """Of a door station."""
    console: Console | None = None
    """Of a management console."""
    dial: dict[FlatNumber, Name] = Field(default_factory=dict)
    """Short numbers of a device with a screen: what is typed -> whom it calls, the user part of an address."""
    codes: dict[Name, SecretStr] = Field(default_factory=dict)
    """Door codes: whose code -> its hash, made by `intercom code`."""

    @field_validator("codes")
    @classmethod
    def _are_hashes(cls, codes: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, code in codes.items():
            check_form(name, code.get_secret_value())
        return codes

    @model_validator(mode="after")
    def _fits_together(self) -> "Site":
        if self.sip.transport == "tls" and self.tls is None:
            raise ValueError('transport = "tls" needs a [tls] table with authority, certificate and key')
        if self.sip.registrar and not self.sip.password.get_secret_value():
            raise ValueError("sip.registrar is set but sip.password is not; `intercom homelink device add` makes one")
        if self.cloud and self.cloud.transport == "tls" and not (self.cloud.tls or self.tls):
            raise ValueError('cloud.transport = "tls" needs a [tls] or [cloud.tls] table')
        return self

    def sip_settings(self) -> SipSettings:
        """What the SIP agent needs of this file."""
        home = self._home()
        return replace(home, name="home", away=self._away(home, self.cloud)) if self.cloud else home

    def _away(self, home: SipSettings, cloud: Cloud) -> SipSettings:
        """As at home, but for what the cloud's table says."""
        return replace(
            home,
            name="cloud",
            user=cloud.user,
            domain=cloud.domain,
            registrar=cloud.registrar,
            standby=cloud.standby,
            auth_user=cloud.auth_user or cloud.user,
            realm=cloud.realm,
            password=cloud.password.get_secret_value(),
            transport=cloud.transport,
            port=0,
            srtp=cloud.srtp,
            tls=_files(cloud.tls or self.tls),
        )

    def _home(self) -> SipSettings:
        sip = self.sip
        logins = (Login(realm, one.user, one.password.get_secret_value()) for realm, one in self.accounts.items())
        return SipSettings(
            user=sip.user,
            domain=sip.domain,
            registrar=sip.registrar,
            standby=sip.standby,
            auth_user=sip.auth_user or sip.user,
            realm=sip.realm,
            password=sip.password.get_secret_value(),
            logins=tuple(logins),
            display_name=self.device.place or self.device.name,
            transport=sip.transport,
            address=sip.address,
            port=sip.port,
            tls=_files(self.tls),
            srtp=sip.srtp,
            expires=sip.expires,
            retry=sip.retry,
            keep_alive=sip.keep_alive,
            session_timer=sip.session_timer,
            preference=self.console.preference if self.console else None,
        )


def _files(tls: Tls | None) -> TlsFiles | None:
    return TlsFiles(tls.authority, tls.certificate, tls.key) if tls else None
