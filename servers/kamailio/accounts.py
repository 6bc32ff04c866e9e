"""The accounts of a server's devices: made, listed and removed, with effect at once in a running server."""

import base64
import hashlib
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from servers.errors import DeviceError, NotRunning, RpcError
from servers.kamailio import rpc
from servers.kamailio.database import opened
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import reachable
from servers.kamailio.shared_accounts import COLUMNS, shared
from servers.kamailio.site import ServerSite

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")


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
    user: str
    """User part of the address that it registers."""
    added: datetime
    unlock_public_key: str
    contacts: tuple[str, ...]


def add(site: ServerSite, name: str, kind: Kind | str, home: str = "") -> Credentials:
    """Make an account; a running server knows it when this returns.

    `home` is the flat that the device belongs to, at servers of more than one: ``301``, ``301.lakeside``.
    Raises DeviceError for a bad or taken name, or a kind or home that this site cannot serve.
    """
    credentials = _new_credentials(site, name, _checked_kind(site, kind), home)
    site.databases.prepare()
    try:
        _insert(site, credentials)
    except sqlite3.IntegrityError as error:
        raise DeviceError(f"there already is a device {name!r}: remove it first, or choose another name") from error
    _reload(site)
    return credentials


def remove(site: ServerSite, name: str) -> None:
    """Delete an account and its registrations. Raises DeviceError if there is none of that name."""
    site.databases.prepare()
    user = _delete(site, name)
    if user is None:
        known = ", ".join(device.name for device in devices(site)) or "none"
        raise DeviceError(f"there is no device {name!r}; there are: {known}")
    _reload(site)
    _drop_registrations(site, name, user)


def devices(site: ServerSite) -> list[Device]:
    """All accounts, by name."""
    site.databases.prepare()
    contacts = registrations(site)
    with opened(site.databases.accounts) as database:
        rows = database.execute("SELECT * FROM device ORDER BY username").fetchall()
    return [
        Device(
            name=row["username"],
            kind=Kind(row["kind"]),
            user=row["aor"],
            added=datetime.fromisoformat(row["added"]),
            unlock_public_key=row["unlock_key"],
            contacts=tuple(contacts.get(row["username"], ())),
        )
        for row in rows
    ]


def registrations(site: ServerSite) -> dict[str, list[str]]:
    """Contact URIs by device name, as the server last wrote them down."""
    attributes = "location_attrs.ruid = location.ruid AND aname = 'device'"
    query = f"SELECT avalue, received, contact FROM location LEFT JOIN location_attrs ON {attributes}"  # noqa: S608
    found: dict[str, list[str]] = {}
    with opened(site.databases.location) as database:
        for device, flow, contact in database.execute(query):
            found.setdefault(device or _device_of(flow or ""), []).append(contact)
    return found


def _device_of(flow: str) -> str:
    """Whose contact it is that another node of a cluster told us of (cluster.cfg)."""
    return unquote(flow.partition(";device=")[2])


def members(site: ServerSite, kind: Kind) -> dict[str, str]:
    """The accounts of this kind, and the home of each."""
    with opened(site.databases.accounts) as database:
        rows = database.execute("SELECT username, aor FROM device WHERE kind = ?", (kind.value,))
        return {row["username"]: row["aor"] for row in rows}


def homes(site: ServerSite, kind: Kind) -> list[str]:
    """The homes that have a device of this kind here."""
    with opened(site.databases.accounts) as database:
        rows = database.execute("SELECT DISTINCT aor FROM device WHERE kind = ? ORDER BY aor", (kind.value,))
        return [row["aor"] for row in rows]


def _checked_kind(site: ServerSite, kind: Kind | str) -> Kind:
    if kind not in site.kinds:
        raise DeviceError(f"kind {str(kind)!r} is unknown; there are: {', '.join(site.kinds)}")
    return Kind(kind)


def _new_credentials(site: ServerSite, name: str, kind: Kind, home: str) -> Credentials:
    if not _NAME.fullmatch(name):
        raise DeviceError(f"device name {name!r} must be 1 to 32 of a-z, 0-9, '_', '.', '-', and begin with a-z or 0-9")
    user = site.address_user(name, kind, home)
    private, public = _unlock_keys() if kind.opens_doors else ("", "")
    return Credentials(
        name=name,
        kind=kind,
        user=name,
        password=secrets.token_urlsafe(16),
        realm=site.identity.realm,
        address_of_record=f"sip:{user}@{site.identity.realm}",
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


def _registrars(site: ServerSite, kind: Kind) -> tuple[str, ...]:
    uris = []
    for listener in site.listeners_for(kind):
        address = reachable(listener.address)
        host = f"[{address}]" if ":" in address else address
        place = listener.advertised or f"{host}:{listener.port}"
        uris.append(f"sip:{place};transport={listener.transport}")
    return tuple(uris)


def _insert(site: ServerSite, new: Credentials) -> None:
    digest = login_hash(new.user, new.realm, new.password)
    user = _address_user(new.address_of_record)
    row = (new.user, digest, user, new.kind.value, new.unlock_public_key, _now())
    if site.nodes:
        with shared(site) as accounts:
            accounts.insert(dict(zip(COLUMNS, row, strict=True)))
            accounts.copy()
        return
    with opened(site.databases.accounts) as database:
        database.execute(
            "INSERT INTO device (username, ha1, aor, kind, unlock_key, added) VALUES (?, ?, ?, ?, ?, ?)", row
        )


def _delete(site: ServerSite, name: str) -> str | None:
    """User part of the address that the account registered; None if there was none."""
    if site.nodes:
        with shared(site) as accounts:
            user = accounts.delete(name)
            accounts.copy()
            return user
    with opened(site.databases.accounts) as database:
        deleted = database.execute("DELETE FROM device WHERE username = ? RETURNING aor", (name,)).fetchone()
    return deleted["aor"] if deleted else None


def _address_user(address_of_record: str) -> str:
    return address_of_record.removeprefix("sip:").partition("@")[0]


def login_hash(user: str, realm: str, password: str) -> str:
    """HA1 of a digest login (RFC 2617)."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _reload(site: ServerSite) -> None:
    try:
        for table in site.tables:
            _reload_table(site, table)
    except NotRunning:
        return  # it will read the file when it starts


def _reload_table(site: ServerSite, table: str) -> None:
    """Another command may hold the file for a moment, and Kamailio does not wait for it."""
    for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        try:
            rpc.call(site.control, "htable.reload", table)
            return
        except NotRunning:
            raise
        except RpcError:
            time.sleep(pause)
    rpc.call(site.control, "htable.reload", table)


def _drop_registrations(site: ServerSite, name: str, user: str) -> None:
    try:
        for contact in registrations(site).get(name, []):
            rpc.call(site.control, "ul.rm_contact", "location", user, contact)
    except NotRunning:
        with opened(site.databases.location) as database:
            ruids = "SELECT ruid FROM location_attrs WHERE aname = 'device' AND avalue = ?"
            database.execute(f"DELETE FROM location WHERE ruid IN ({ruids})", (name,))  # noqa: S608  (no outside text)
            database.execute("DELETE FROM location_attrs WHERE aname = 'device' AND avalue = ?", (name,))
