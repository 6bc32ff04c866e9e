"""A server's HTTP service as a device uses it: small requests with its own account, bounded in time and size."""

import base64
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from endpoints.config.site import Site
from endpoints.errors import ServiceError

if TYPE_CHECKING:  # loaded late: a device registers before it asks anything
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext

LARGEST = 8 << 20
"""Bytes of an answer; a community of 10,000 flats needs half of it."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Service:
    """Where it is and as whom we ask."""

    url: str
    """``https://10.0.0.2:8443``; `http` only where SIP is plain too."""
    user: str
    password: str = field(repr=False)
    authority: Path | None = None
    """PEM: who signed the server's certificate; needed for `https`."""
    certificate: Path | None = None
    """PEM: ours, with `key`; at some servers it is enough for a login."""
    key: Path | None = None
    patience: float = 5.0
    """Seconds for each step; an answer may take four times as long in all."""

    def request(
        self, method: str, path: str, body: bytes = b"", etag: str = "", content: str = "application/json"
    ) -> Answer:
        """Ask once; `content` is the type of `body`. Raises ServiceError without a whole answer; a refusal is one."""
        from http.client import HTTPException

        headers = {"Accept": "application/json"} | self.login()
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"Content-Type": content} if body else {}
        try:
            connection = self.connection()
        except (OSError, ValueError) as error:
            raise ServiceError(f"{self.url} cannot be asked: {error}") from error
        try:
            connection.request(method, path, body or None, headers)
            return self._read(connection.getresponse())
        except (OSError, HTTPException) as error:
            raise ServiceError(f"{self.url} gives no answer: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def connection(self) -> "HTTPConnection":
        """A connection that is not open yet. Raises OSError or ValueError for certificates that cannot be used."""
        from http.client import HTTPConnection, HTTPSConnection

        target = urlsplit(self.url)
        if target.scheme == "http":
            return HTTPConnection(target.hostname or "", target.port, timeout=self.patience)
        return HTTPSConnection(target.hostname or "", target.port, timeout=self.patience, context=self.security())

    def security(self) -> "SSLContext":
        """TLS with whoever has a certificate of our authority. Raises OSError or ValueError."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.authority)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def login(self) -> dict[str, str]:
        """The header that says who asks; none where a certificate says it."""
        if not self.password:
            return {}
        both = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        return {"Authorization": f"Basic {both}"}

    def _read(self, response: "HTTPResponse") -> Answer:
        deadline = time.monotonic() + 4 * self.patience
        body = bytearray()
        while piece := response.read1(_PIECE):
            body += piece
            if len(body) > LARGEST:
                raise ServiceError(f"{self.url} sends more than {LARGEST} bytes")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.url} is too slow")
        announced = response.getheader("Content-Length", "")
        if response.status == 200 and announced.isdecimal() and len(body) < int(announced):
            raise ServiceError(f"{self.url} ended in the middle of its answer")
        return Answer(response.status, response.getheader("ETag", ""), bytes(body))


def service_of(site: Site) -> Service | None:
    """The HTTP service that the site file names in [directory]; None without one."""
    return service_at(site, site.directory.url) if site.directory else None


def cloud_service(site: Site) -> Service | None:
    """The cloud server's HTTP service, asked with this device's account there; None for a device without one."""
    cloud = site.cloud
    if cloud is None or not cloud.service:
        return None
    user, tls = cloud.auth_user or cloud.user, cloud.tls or site.tls
    service = Service(cloud.service, user, cloud.password.get_secret_value())
    if tls is None:
        return service
    return replace(service, authority=tls.authority, certificate=tls.certificate, key=tls.key)


def services_at(site: Site, url: str) -> tuple[Service, ...]:
    """The same, by each account of this device in turn: which one a server knows, only that server can tell."""
    first = service_at(site, url)
    logins = [(one.user, one.password.get_secret_value()) for one in site.accounts.values()]
    if site.cloud:
        logins.append((site.cloud.auth_user or site.cloud.user, site.cloud.password.get_secret_value()))
    return (first, *(replace(first, user=user, password=password) for user, password in logins))


def service_at(site: Site, url: str) -> Service:
    """A server's HTTP service, asked with this device's SIP account and certificate."""
    user, password = site.sip.auth_user or site.sip.user, site.sip.password.get_secret_value()
    if site.tls is None:
        return Service(url, user, password)
    return Service(url, user, password, site.tls.authority, site.tls.certificate, site.tls.key)
