"""HTTP services that answer for real, without SIP beside them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endpoints.service import Answer, Service
from servers.community.authority import Community, Role
from servers.http import HttpService, Pages
from servers.kamailio import accounts
from servers.kamailio.config import Transport
from servers.kamailio.site import ServerSite
from tests.servers.nodes import free_port, own_address, site_text

PATIENCE = 60.0
"""Seconds: the first question waits until the pages are loaded."""


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
        return Service(self.url, made.user, made.password, self.authority, patience=PATIENCE)

    def certificate(self, role: Role, name: str) -> Service:
        """A node of the community without a password."""
        assert self.community is not None
        made = self.community.issue(role, name, ["127.0.0.1"], self.folder / role.value)
        return Service(self.url, name, "", self.authority, made.certificate, made.key, PATIENCE)

    def stranger(self) -> Service:
        return Service(self.url, "nobody", "", self.authority, patience=PATIENCE)

    def get(self, path: str) -> Answer:
        """Ask without a login."""
        return self.stranger().request("GET", path)

    def start(self) -> None:
        """Serve, for the first time or again."""
        assert self.site.http is not None
        pages = _kind_of(Role(self.site.program))[1]
        self.service = HttpService(self.site, self.site.http.port, self.sip.is_set, pages(self.site))
        self.service.start()

    def stop(self) -> None:
        self.service.stop()


def made_web(
    folder: Path,
    role: Role,
    transports: Sequence[Transport],
    community: Community | None,
    settings: str = "",
    name: str = "",
    realm: str = "",
) -> Web:
    """The HTTP service of a server of this role, not started; `settings` begin with what is left of [http]."""
    address = own_address()
    identity = {"name": "Lakeside", "realm": realm or f"{role}.example", "address": address}
    if role is Role.MANAGEMENT:
        identity["community"] = "lakeside"
    folder.mkdir(exist_ok=True)
    text = site_text(folder, role, identity, transports, community, name=name)
    path = folder / "site.toml"
    path.write_text(f"{text}\n[http]\nport = {free_port(address)}\n{settings}")
    site = _kind_of(role)[0](path)
    assert site.http is not None
    site.databases.prepare()
    sip = threading.Event()
    return Web(site, folder, HttpService(site, site.http.port, sip.is_set), community, sip)


def _kind_of(role: Role) -> tuple[Callable[[Path], ServerSite], Callable[[Any], Pages]]:
    """How its site file is read, and its pages."""
    from servers.cloud.site import load_site as load_cloud
    from servers.cloud.telephones import pages as cloud_pages
    from servers.homelink.server import pages as homelink_pages
    from servers.homelink.site import load_site as load_homelink
    from servers.management.server import pages as management_pages
    from servers.management.site import load_site as load_management

    known: dict[Role, tuple[Callable[[Path], ServerSite], Callable[[Any], Pages]]] = {
        Role.HOMELINK: (load_homelink, homelink_pages),
        Role.MANAGEMENT: (load_management, management_pages),
        Role.CLOUD: (load_cloud, cloud_pages),
    }
    return known[role]


@contextmanager
def running_web(
    folder: Path, role: Role, transports: Sequence[Transport] = ("udp",), settings: str = ""
) -> Iterator[Web]:
    """The HTTP service of a server of this role, until the block ends."""
    community = Community.create(folder / "authority", "Gardens") if "tls" in transports else None
    web = made_web(folder, role, transports, community, settings)
    web.start()
    try:
        yield web
    finally:
        web.stop()
