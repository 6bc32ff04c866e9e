"""A flat's telephone number goes from the directory up to the cloud server, and is called while management is down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoints.service import Service
from servers.above.client import Answer, ServiceAbove
from servers.above.telephones import AGAIN_SECONDS, Telephones
from servers.community.authority import Community, Role
from servers.database import Database
from servers.directory.entries import Flat
from servers.directory.store import DirectoryStore
from servers.errors import NeighbourError
from servers.kamailio.config import Listener
from servers.records.store import RecordStore
from tests.servers.calls import refuse
from tests.servers.network import COMMUNITY, running_management, service_url, upstream
from tests.servers.nodes import Node, free_port, own_address
from tests.servers.peer import Peer
from tests.servers.test_cloud import TIMERS, running_cloud

OLD, NEW = "+12025550147", "+12025550199"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/store.sqlite")
    yield made
    made.close()


class CloudService(ServiceAbove):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.status = 204

    def ask(self, method: str, path: str, body: bytes = b"", etag: str = "") -> Answer:
        assert (method, path) == ("PUT", "/telephones")
        self.told.append(body)
        return Answer(self.status, "", b"")


def test_they_are_told_when_they_change_and_now_and_then(database: Database) -> None:
    directory, records, cloud, now = DirectoryStore(database), RecordStore(database, 365), CloudService(), [0.0]
    tell = Telephones(lambda: directory, lambda: now[0])
    directory.set_flat("301", Flat(name="Family Chen", telephone=OLD))
    directory.set_flat("302", Flat(name="Family Weber"))
    for _ in range(3):
        tell(cloud, records)
    assert cloud.told == [b'{"301": "+12025550147"}']
    directory.remove_flat("301")
    tell(cloud, records)
    now[0] = AGAIN_SECONDS
    tell(cloud, records)
    assert cloud.told[1:] == [b"{}"] * 2


def test_what_was_refused_is_told_again(database: Database) -> None:
    directory, records, cloud = DirectoryStore(database), RecordStore(database, 365), CloudService()
    tell = Telephones(lambda: directory)
    cloud.status = 503
    with pytest.raises(NeighbourError, match="takes no telephone numbers"):
        tell(cloud, records)
    cloud.status = 204
    tell(cloud, records)
    assert len(cloud.told) == 2


def set_number(management: Node, number: str) -> None:
    """As a person does with `intercom management directory set`."""
    database = Database(management.site.database_url)
    DirectoryStore(database).set_flat("301", Flat(name="Family Chen", telephone=number))
    database.close()


def rings(cloud: Node, gateway: Peer) -> str:
    """What the gateway is asked to call for the flat, when a door calls the cloud server itself."""
    with cloud.peer("gate1", tls=cloud.certificate(Role.DOOR_STATION, "gate1")) as door:
        call = door.call(cloud.uri_of(f"301.{COMMUNITY}") + ";stage=telephone")
        invite = gateway.wait_request("INVITE")
        refuse(gateway, invite, 486, "Busy Here")
        assert call.final().status == 486
    return invite.start.split()[1].partition("@")[0]


@pytest.mark.kamailio
@pytest.mark.flow("V3")
def test_a_number_is_called_from_the_directory_also_while_management_is_down(tmp_path: Path) -> None:
    address = own_address()
    community = Community.create(tmp_path / "authority", "Lakeside")
    http = f"[http]\nport = {free_port(address)}\n"
    with Peer(Listener("udp", address, 5064), "gateway", source=own_address()) as gateway:
        trunk = f'[trunk]\nuri = "sip:{gateway.address};transport=udp"\nport = 5064\n'
        with running_cloud(tmp_path, "tls", community, TIMERS + trunk + http, address) as cloud:
            above = upstream(cloud, COMMUNITY, "management", "")
            with running_management(tmp_path, "tls", community=community, settings=above) as management:
                set_number(management, OLD)
                cloud.server.wait_for(f"1 telephone numbers of {COMMUNITY}")
                assert rings(cloud, gateway) == f"sip:{OLD}"
                set_number(management, NEW)
                cloud.server.wait_for(f"1 telephone numbers of {COMMUNITY}", 2)
            assert rings(cloud, gateway) == f"sip:{NEW}"
            phone = cloud.add("phone1", "phone", f"301.{COMMUNITY}")
            stranger = Service(service_url(cloud), phone.user, phone.password, community.certificate)
            assert stranger.request("PUT", "/telephones", b"{}").status == 403
            cloud.server.stop()
            cloud.start_again()
            assert rings(cloud, gateway) == f"sip:{NEW}"
            cloud.server.stop()
