"""Communities with authorities of their own at one cloud server: none speaks for another (R3)."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoints.service import Service
from servers.cloud.site import load_site
from servers.community.authority import Community, Role
from servers.errors import SiteError
from servers.kamailio.config import TlsFiles
from tests.servers.calls import refuse, ring
from tests.servers.network import CLOUD_REALM, running_management, service_url, upstream
from tests.servers.nodes import Node, free_port, own_address
from tests.servers.peer import Login, Peer
from tests.servers.test_cloud import TIMERS, phone, running_cloud

pytestmark = pytest.mark.kamailio
NAMES = ("Lakeside", "Hillside")
FOLDERS = itertools.count()


@dataclass
class World:
    """A cloud server of somebody else's, and the authorities of two communities."""

    folder: Path
    cloud: Node
    authorities: dict[str, Community]
    trusted: Path
    """The certificates of all three."""

    def files(self, signed_by: str, role: Role, name: str) -> TlsFiles:
        folder = self.folder / str(next(FOLDERS))
        made = self.authorities[signed_by].issue(role, name, [self.cloud.site.identity.address], folder)
        return TlsFiles(self.trusted, made.certificate, made.key)

    def server_below(self, signed_by: str, name: str) -> Peer:
        return self.cloud.peer(name, tls=self.files(signed_by, Role.MANAGEMENT, name))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, address = tmp_path_factory.mktemp("communities"), own_address()
    authorities = {name: Community.create(folder / name, name) for name in NAMES}
    operator = authorities["Operator"] = Community.create(folder / "operator", "Operator")
    trusted = b"".join(each.certificate.read_bytes() for each in authorities.values())
    for each in authorities.values():  # what they issue comes with all three, as `cat` would make it
        each.certificate.write_bytes(trusted)
    table = "".join(f'{name.lower()} = "{name} authority"\n' for name in NAMES)
    settings = f"{TIMERS}[http]\nport = {free_port(address)}\n[communities]\n{table}"
    with running_cloud(folder, "tls", operator, settings, address) as cloud:
        yield World(folder, cloud, authorities, operator.certificate)


@pytest.fixture
def cloud(world: World) -> Iterator[Node]:
    for name in NAMES:
        world.cloud.add(name.lower(), "management")
    yield world.cloud
    world.cloud.forget()


def registered(peer: Peer, name: str) -> int:
    """Status of REGISTER by certificate, without a password."""
    return peer.register(Login(name, "", CLOUD_REALM), f"sip:{name}@{CLOUD_REALM}").status


@pytest.mark.flow("R3")
def test_a_management_server_is_known_by_a_certificate_of_its_own_community_only(world: World, cloud: Node) -> None:
    assert registered(world.server_below("Lakeside", "lakeside"), "lakeside") == 200
    assert registered(world.server_below("Hillside", "lakeside"), "lakeside") == 403


def test_a_door_calls_its_own_community_only(world: World, cloud: Node) -> None:
    door = cloud.peer("gate1", tls=world.files("Hillside", Role.DOOR_STATION, "gate1"))
    assert door.call(cloud.uri_of("301.lakeside") + ";stage=phones").final().status == 403
    assert door.call(cloud.uri_of("301.hillside") + ";stage=phones").final().status == 480


@pytest.mark.parametrize(("signed_by", "status"), [("Lakeside", 204), ("Hillside", 401)])
def test_nobody_tells_the_telephone_numbers_of_another_community(
    world: World, cloud: Node, signed_by: str, status: int
) -> None:
    files = world.files(signed_by, Role.MANAGEMENT, "lakeside")
    service = Service(service_url(cloud), "lakeside", "", world.trusted, files.certificate, files.key)
    assert service.request("PUT", "/telephones", b'{"301": "+12025550147"}').status == status


@pytest.mark.flow("P2")
def test_a_management_server_works_with_a_cloud_server_of_another_authority(
    world: World, cloud: Node, tmp_path: Path
) -> None:
    """Its registration and its numbers go up, a resident's call comes down; the other authority speaks for no home."""
    cloud.remove("lakeside")
    above = upstream(cloud, "lakeside", "management", "") + 'authority = "Operator authority"\n'
    signs = ("telephone numbers of lakeside", "lakeside registered")
    before = [cloud.server.log.count(sign) for sign in signs]
    with running_management(tmp_path, "tls", community=world.authorities["Lakeside"], settings=above) as management:
        for sign, times in zip(signs, before, strict=True):
            cloud.server.wait_for(sign, times + 1)
        guard, caller = management.screen("desk1", "console"), phone(cloud, "phone1", "301.lakeside")
        call = caller.call(cloud.uri_of("guard"), caller.login)
        refuse(guard, ring(guard), 603, "Decline")
        assert call.final().status >= 400
        login = management.add("homelink-301", "homelink", "301")
        stranger = management.peer("homelink-301", tls=world.files("Operator", Role.HOMELINK, "homelink-301"))
        assert stranger.register(Login("homelink-301", "", login.realm), login.address_of_record).status == 403


@pytest.mark.parametrize(
    ("authority", "told"),
    [
        ("Nobody authority", "must hold one certificate of 'Nobody authority', it has 0"),
        ("Lakeside authority", "twice"),
    ],
)
def test_an_authority_has_its_certificate_and_one_community(world: World, authority: str, told: str) -> None:
    file = world.cloud.site_file.with_name("other.toml")
    file.write_text(world.cloud.site_file.read_text().replace("Hillside authority", authority))
    with pytest.raises(SiteError, match=told):
        load_site(file)
