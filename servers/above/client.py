"""The HTTP service of the server above, asked with this server's certificate or account there."""

import base64
import ssl
from dataclasses import dataclass
from http.client import HTTPException
from typing import cast
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from servers.errors import NeighbourError
from servers.kamailio.config import TlsFiles
from servers.kamailio.site import UpstreamSection

PATIENCE = 5.0
"""Seconds for each step."""
LARGEST = 16 << 20
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said."""

    status: int
    etag: str
    body: bytes


class ServiceAbove:
    """Small requests, one at a time."""

    def __init__(self, upstream: UpstreamSection, tls: TlsFiles | None) -> None:
        self._url, self._tls = upstream.service.rstrip("/"), tls
        self._login = base64.b64encode(f"{upstream.user}:{upstream.password}".encode()).decode("ascii")
        self._with_password = bool(upstream.password)
        self.known = bool(upstream.service)

    def ask(self, method: str, path: str, body: bytes = b"", etag: str = "") -> Answer:
        """Ask once. Raises NeighbourError without a complete answer; a refusal is an answer."""
        request = Request(f"{self._url}{path}", data=body or None, method=method)  # noqa: S310  (http or https by the site file)
        if self._with_password:
            request.add_header("Authorization", f"Basic {self._login}")
        if body:
            request.add_header("Content-Type", "application/json")
        if etag:
            request.add_header("If-None-Match", etag)
        try:
            with self._opener().open(request, timeout=PATIENCE) as response:
                content = cast(bytes, response.read(LARGEST + 1))
                if len(content) > LARGEST:
                    raise NeighbourError(f"{self._url} sends more than {LARGEST} bytes")
                return Answer(response.status, response.headers.get("ETag", ""), content)
        except HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, "", refusal.read(1000))
        except (OSError, HTTPException, ValueError) as error:
            raise NeighbourError(f"{self._url} gives no answer: {error or type(error).__name__}") from error

    def _opener(self) -> OpenerDirector:
        """Never through a proxy, and only to who has a certificate of our community."""
        if self._tls is None:
            return build_opener(ProxyHandler({}))
        return build_opener(ProxyHandler({}), HTTPSHandler(context=trusting(self._tls)))


def trusting(tls: TlsFiles) -> ssl.SSLContext:
    """For connections to a server above: it must have a certificate of our authorities, and sees ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(tls.authority)
    context.load_cert_chain(tls.certificate, tls.key)
    return context
