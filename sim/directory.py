"""Fills the directory of a simulated community's management server, as `intercom management directory` does."""

from collections.abc import Mapping
from dataclasses import dataclass

from servers.directory.entries import Console, Device, Flat
from servers.kamailio.kinds import Kind
from servers.management.site import ManagementSite
from sim.plan import CommunityPlan, DevicePlan, HomePlan
from sim.watched import Sights

RESIDENTS = {"indoor-unit": Kind.INDOOR, "phone": Kind.PHONE}
CONSOLE = "management-console"


@dataclass(frozen=True, slots=True)
class HomeLinkAddress:
    """How a home is reached at its HomeLink."""

    uri: str
    records: str
    """Its HTTP service."""


def write_directory(
    site: ManagementSite,
    plan: CommunityPlan,
    homelinks: Mapping[str, HomeLinkAddress],
    keys: Mapping[str, str],
    sights: Sights,
) -> None:
    """Everybody of `plan`: `homelinks` by flat, public unlock keys by device; `sights` to watch. Raises ServerError."""
    from servers.database import Database
    from servers.directory.store import DirectoryStore

    database = Database(site.database_url)
    try:
        store = DirectoryStore(database)
        store.replace_flats({home.flat: _flat(plan, home, homelinks.get(home.flat), keys) for home in plan.homes})
        store.replace_watchables(sights.listed(plan))
        for device in plan.devices:
            if device.role == CONSOLE:
                store.set_console(device.name, Console(priority=_preference(device), key=keys[device.name]))
    finally:
        database.close()


def _flat(plan: CommunityPlan, home: HomePlan, homelink: HomeLinkAddress | None, keys: Mapping[str, str]) -> Flat:
    devices = tuple(
        Device(name=each.name, kind=RESIDENTS[each.role], key=keys[each.name])
        for each in plan.clients
        if each.flat == home.flat and each.role in RESIDENTS
    )
    return Flat(
        name=home.family,
        homelink=homelink.uri if homelink else "",
        records=homelink.records if homelink else "",
        telephone=home.telephone,
        devices=devices,
    )


def _preference(device: DevicePlan) -> float:
    return (11 - device.priority) / 10
