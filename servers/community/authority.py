"""The authority's key and certificate in a folder, and the certificates it issues to the community's nodes.

Keys are ECDSA P-256: the oldest TLS library in the field here (OpenSSL 1.0.2 inside pjsua2) speaks it both ways.
"""

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from servers.errors import CommunityError

AUTHORITY_DAYS = 25 * 365
NODE_DAYS = 10 * 365
CLOCK_SLACK = timedelta(days=1)
"""Certificates begin this much earlier: a board without a battery-backed clock may be behind."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}")


class Role(StrEnum):
    """What a node may be; the OU of its certificate."""

    DOOR_STATION = "door-station"
    INDOOR_UNIT = "indoor-unit"
    PHONE = "phone"
    HOMELINK = "homelink"
    MANAGEMENT = "management"
    CLOUD = "cloud"
    MANAGEMENT_CONSOLE = "management-console"


@dataclass(frozen=True, slots=True)
class IssuedFiles:
    """PEM files for one node; the key has mode 0600."""

    authority: Path
    certificate: Path
    key: Path


class Community:
    """An authority: `create` makes a new one, `open` takes one up, `issue` signs."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._folder = folder
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, folder: Path, name: str) -> "Community":
        """Make an authority in `folder` (0700). Raises CommunityError if there is one, or for a bad name."""
        _check_name(name)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name, "authority", f"{name} authority")
        certificate = _build(subject, subject, key.public_key(), AUTHORITY_DAYS, _authority_extensions()).sign(
            key, hashes.SHA256()
        )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CommunityError(f"cannot make {folder}: {error.strerror}") from error
        _write_new(folder / "authority.key", _key_pem(key), 0o600)
        _write_new(folder / "authority.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return cls(folder, certificate, key)

    @classmethod
    def open(cls, folder: Path) -> "Community":
        """Take up the authority in `folder`. Raises CommunityError if there is none that can be used."""
        try:
            key = serialization.load_pem_private_key((folder / "authority.key").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes())
        except FileNotFoundError as error:
            raise CommunityError(f"no community in {folder}: make one with 'intercom community init'") from error
        except (OSError, ValueError) as error:
            raise CommunityError(f"cannot use the community in {folder}: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CommunityError(f"cannot use the community in {folder}: its key is not ECDSA")
        return cls(folder, certificate, key)

    @property
    def name(self) -> str:
        """Name of the community."""
        return str(self._certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)

    @property
    def certificate(self) -> Path:
        """The authority's certificate, which every node needs."""
        return self._folder / "authority.pem"

    def issue(self, role: Role | str, name: str, addresses: Sequence[str], out: Path) -> IssuedFiles:
        """Make key and certificate of a node in `out`: subject O = community, OU = role, CN = name.

        `addresses` are its IP addresses and host names, which become subject alternative names.
        Raises CommunityError for bad values, and rather than overwrite a file.
        """
        checked = _checked_role(role)
        _check_name(name)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _build(
            _subject(self.name, checked.value, name),
            self._certificate.subject,
            key.public_key(),
            NODE_DAYS,
            self._node_extensions(name, addresses),
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        files = self._write(name, certificate, key, out)
        self._note(certificate, checked, name)
        return files

    def _node_extensions(self, name: str, addresses: Sequence[str]) -> list[tuple[x509.ExtensionType, bool]]:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(authority=False), True),
            (usage, False),  # every node both calls and is called
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False),
        ]
        names = [_general_name(address) for address in addresses]
        return extensions + ([(x509.SubjectAlternativeName(names), False)] if names else [])

    def _write(
        self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, out: Path
    ) -> IssuedFiles:
        stem = name.lower().replace(" ", "-")
        files = IssuedFiles(out / "authority.pem", out / f"{stem}.pem", out / f"{stem}.key")
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
            authority = self.certificate.read_bytes()
        except OSError as error:
            raise CommunityError(f"cannot issue into {out}: {error.strerror}") from error
        _write_same(files.authority, authority)
        _write_new(files.key, _key_pem(key), 0o600)
        _write_new(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return files

    def _note(self, certificate: x509.Certificate, role: Role, name: str) -> None:
        """Keep what was issued, for the day one of them must be named."""
        until = certificate.not_valid_after_utc.isoformat()
        line = {"serial": f"{certificate.serial_number:x}", "role": role.value, "name": name, "until": until}
        with (self._folder / "issued.jsonl").open("a", encoding="utf-8") as issued:
            issued.write(json.dumps(line) + "\n")


def _subject(community: str, role: str, name: str) -> x509.Name:
    parts = (
        (NameOID.ORGANIZATION_NAME, community),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        (NameOID.COMMON_NAME, name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _build(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    days: int,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(now - CLOCK_SLACK).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder


def _authority_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.BasicConstraints(ca=True, path_length=0), True), (_key_usage(authority=True), True)]


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        pass
    if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", address):
        raise CommunityError(f"{address!r} is neither an IP address nor a host name")
    return x509.DNSName(address)


def _checked_role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise CommunityError(f"role {role!r} is unknown; there are: {', '.join(Role)}") from error


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise CommunityError(f"name {name!r} must be 1 to 63 of letters, digits, space, '_', '.', '-'")


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption())


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        path.touch(mode=mode, exist_ok=False)
        path.write_bytes(content)
    except FileExistsError as error:
        raise CommunityError(f"{path} exists already and is never overwritten") from error
    except OSError as error:
        raise CommunityError(f"cannot write {path}: {error.strerror}") from error


def _write_same(path: Path, content: bytes) -> None:
    """The authority's certificate lies beside every node's; another community's must not be replaced by ours."""
    if path.exists():
        if path.read_bytes() != content:
            raise CommunityError(f"{path} is the authority of another community and is never overwritten")
        return
    _write_new(path, content, 0o644)
