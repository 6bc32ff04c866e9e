"""HTTP services that answer for real, without SIP beside them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from endpoints.service import Answer, Service
from servers.community.authority import Community, Role
from servers.http import HttpService
from servers.kamailio import accounts
from servers.kamailio.config import Transport
from servers.kamailio.site import ServerSite
from tests.servers.nodes import free_port, own_address, site_text


@dataclass
class Web:
    """A server's HTTP service, and how to ask it."""

    site: ServerSite
    folder: Path
    service: HttpService
    community: Community | None
    sip: threading.Event

    @property
    def url(self) -> str:
        assert self.site.http is not None
        scheme = "https" if self.community else "http"
        return f"{scheme}://{self.site.identity.address}:{self.site.http.port}"

    @property
    def authority(self) -> Path | None:
        return self.site.tls.authority if self.site.tls else None

    def account(self, name: str, kind: str, home: str = "") -> Service:
        """A new account, ready to ask."""
        made = accounts.add(self.site, name, kind, home)
        return Service(self.url, made.user, made.password, self.authority)

    def certificate(self, role: Role, name: str) -> Service:
        """A node of the community without a password."""
        assert self.community is not None
        made = self.community.issue(role, name, ["127.0.0.1"], self.folder / role.value)
        return Service(self.url, name, "", self.authority, made.certificate, made.key)

    def stranger(self) -> Service:
        return Service(self.url, "nobody", "", self.authority)

    def get(self, path: str) -> Answer:
        """Ask without a login."""
        return self.stranger().request("GET", path)


@contextmanager
def running_web(
    folder: Path, role: Role, transports: Sequence[Transport] = ("udp",), settings: str = ""
) -> Iterator[Web]:
    """The HTTP service of a server of this role, until the block ends."""
    from servers.homelink.server import pages as homelink_pages
    from servers.homelink.site import load_site as load_homelink
    from servers.management.server import pages
    from servers.management.site import load_site as load_management

    address = own_address()
    community = Community.create(folder / "authority", "Gardens") if "tls" in transports else None
    identity = {"name": "Lakeside", "realm": f"{role}.example", "address": address}
    if role is Role.MANAGEMENT:
        identity["community"] = "lakeside"
    text = site_text(folder, role, identity, transports, community)
    path = folder / "site.toml"
    path.write_text(f"{text}\n[http]\nport = {free_port(address)}\n{settings}")
    sip = threading.Event()
    site: ServerSite
    if role is Role.MANAGEMENT:
        site = load_management(path)
        assert site.http is not None
        service = HttpService(site, site.http.port, sip.is_set, pages(site))
    else:
        site = load_homelink(path)
        assert site.http is not None
        service = HttpService(site, site.http.port, sip.is_set, homelink_pages(site))
    site.databases.prepare()
    service.start()
    try:
        yield Web(site, folder, service, community, sip)
    finally:
        service.stop()
