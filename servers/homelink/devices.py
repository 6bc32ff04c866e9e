"""The accounts of a home's devices: made, listed and removed, with effect at once in a running server."""

import base64
import hashlib
import re
import secrets
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from servers.errors import DeviceError, NotRunning
from servers.homelink.site import Site
from servers.kamailio import rpc
from servers.kamailio.database import opened
from servers.kamailio.probe import reachable

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")


class Kind(StrEnum):
    """What an account is for. Residents' devices may open a door; a guest is anybody's SIP phone; a door only calls."""

    INDOOR = "indoor"
    PHONE = "phone"
    GUEST = "guest"
    DOOR = "door"

    @property
    def resident(self) -> bool:
        """May register and open the door."""
        return self in (Kind.INDOOR, Kind.PHONE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that a new device needs; the secrets in it are shown once and kept nowhere."""

    name: str
    kind: Kind
    user: str
    password: str = field(repr=False)
    realm: str
    address_of_record: str
    registrars: tuple[str, ...]
    """URIs to register at, or for a door station to call through; safest first."""
    unlock_key: str = field(default="", repr=False)
    """Private, base64 of 32 bytes Ed25519; "" for devices that open no door."""
    unlock_public_key: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """An account as it is kept, and whether its device is registered now."""

    name: str
    kind: Kind
    added: datetime
    unlock_public_key: str
    contacts: tuple[str, ...]


def add(site: Site, name: str, kind: Kind | str) -> Credentials:
    """Make an account; a running server knows it when this returns.

    Raises DeviceError for a bad or taken name, or a kind that this site cannot serve.
    """
    credentials = _new_credentials(site, name, _checked_kind(site, kind))
    site.databases.prepare()
    try:
        _insert(site, credentials)
    except sqlite3.IntegrityError as error:
        raise DeviceError(f"there already is a device {name!r}: remove it first, or choose another name") from error
    _reload(site)
    return credentials


def remove(site: Site, name: str) -> None:
    """Delete an account and its registrations. Raises DeviceError if there is none of that name."""
    site.databases.prepare()
    with opened(site.databases.accounts) as database:
        deleted = database.execute("DELETE FROM device WHERE username = ?", (name,)).rowcount
    if not deleted:
        known = ", ".join(device.name for device in devices(site)) or "none"
        raise DeviceError(f"there is no device {name!r}; there are: {known}")
    _reload(site)
    _drop_registrations(site, name)


def devices(site: Site) -> list[Device]:
    """All accounts, by name."""
    site.databases.prepare()
    contacts = registrations(site)
    with opened(site.databases.accounts) as database:
        rows = database.execute("SELECT * FROM device ORDER BY username").fetchall()
    return [
        Device(
            name=row["username"],
            kind=Kind(row["kind"]),
            added=datetime.fromisoformat(row["added"]),
            unlock_public_key=row["unlock_key"],
            contacts=tuple(contacts.get(row["username"], ())),
        )
        for row in rows
    ]


def registrations(site: Site) -> dict[str, list[str]]:
    """Contact URIs by device name, as the server last wrote them down."""
    query = "SELECT avalue, contact FROM location JOIN location_attrs USING (ruid) WHERE aname = 'device'"
    found: dict[str, list[str]] = {}
    with opened(site.databases.location) as database:
        for device, contact in database.execute(query):
            found.setdefault(device, []).append(contact)
    return found


def _checked_kind(site: Site, kind: Kind | str) -> Kind:
    try:
        checked = Kind(kind)
    except ValueError as error:
        raise DeviceError(f"kind {kind!r} is unknown; there are: {', '.join(Kind)}") from error
    if checked is Kind.DOOR and not (site.listen.udp or site.listen.tcp):
        raise DeviceError(
            "this HomeLink serves TLS only: a door station proves itself by a certificate "
            "(intercom community issue --role door-station), not by an account"
        )
    return checked


def _new_credentials(site: Site, name: str, kind: Kind) -> Credentials:
    if not _NAME.fullmatch(name):
        raise DeviceError(f"device name {name!r} must be 1 to 32 of a-z, 0-9, '_', '.', '-', and begin with a-z or 0-9")
    private, public = _unlock_keys() if kind.resident else ("", "")
    return Credentials(
        name=name,
        kind=kind,
        user=name,
        password=secrets.token_urlsafe(16),
        realm=site.homelink.realm,
        address_of_record=site.address_of_record,
        registrars=_registrars(site, kind),
        unlock_key=private,
        unlock_public_key=public,
    )


def _unlock_keys() -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return _base64(key.private_bytes_raw()), _base64(key.public_key().public_bytes_raw())


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _registrars(site: Site, kind: Kind) -> tuple[str, ...]:
    listeners = [listener for listener in site.listeners if kind is not Kind.DOOR or listener.transport != "tls"]
    uris = []
    for listener in listeners:
        address = reachable(listener.address)
        host = f"[{address}]" if ":" in address else address
        uris.append(f"sip:{host}:{listener.port};transport={listener.transport}")
    return tuple(uris)


def _insert(site: Site, new: Credentials) -> None:
    digest = hashlib.md5(f"{new.user}:{new.realm}:{new.password}".encode(), usedforsecurity=False).hexdigest()
    row = (new.user, digest, site.homelink.home, new.kind.value, new.unlock_public_key, _now())
    with opened(site.databases.accounts) as database:
        database.execute(
            "INSERT INTO device (username, ha1, aor, kind, unlock_key, added) VALUES (?, ?, ?, ?, ?, ?)", row
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _reload(site: Site) -> None:
    try:
        rpc.call(site.control, "htable.reload", "accounts")
    except NotRunning:
        return  # it will read the file when it starts


def _drop_registrations(site: Site, name: str) -> None:
    try:
        for contact in registrations(site).get(name, []):
            rpc.call(site.control, "ul.rm_contact", "location", site.homelink.home, contact)
    except NotRunning:
        with opened(site.databases.location) as database:
            ruids = "SELECT ruid FROM location_attrs WHERE aname = 'device' AND avalue = ?"
            database.execute(f"DELETE FROM location WHERE ruid IN ({ruids})", (name,))  # noqa: S608  (no outside text)
            database.execute("DELETE FROM location_attrs WHERE aname = 'device' AND avalue = ?", (name,))
