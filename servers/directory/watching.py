"""What the directory tells of watching: HomeLinks learn where doors are, doors whose tokens they believe."""

from typing import Any

from servers.directory.entries import Sight
from servers.directory.issuers import homelink_issuer
from servers.directory.store import Edition
from servers.kamailio.accounts import members
from servers.kamailio.kinds import Kind
from servers.management.site import ManagementSite

Json = dict[str, Any]


def told(site: ManagementSite, edition: Edition, kind: Kind, home: str, name: str) -> Json:
    """A part of the document for the account `name`; `home` is the flat of a HomeLink."""
    if kind is Kind.DOOR:
        return {"watchers": _watchers(site, edition, name)}
    if kind is Kind.HOMELINK:
        doors = {
            door: {"title": one.title, "kind": one.kind.value, "url": one.url}
            for door, one in edition.watchables.items()
            if one.kind is Sight.DOOR and one.shown_to(home)
        }
        known = {"watchables": doors, "watcher": edition.watchers.get(homelink_issuer(name), "")}
        return {key: value for key, value in known.items() if value}
    return {}


def _watchers(site: ManagementSite, edition: Edition, door: str) -> dict[str, str]:
    """Nobody, for a door that is not in the directory. An account that is gone signs nothing any more."""
    entry = edition.watchables.get(door)
    if entry is None or entry.kind is not Sight.DOOR:
        return {}
    allowed = {homelink_issuer(name) for name, home in members(site, Kind.HOMELINK).items() if entry.shown_to(home)}
    ours = f"management:{site.management.community}"
    return {
        issuer: key
        for issuer, key in sorted(edition.watchers.items())
        if issuer in allowed or issuer == ours or issuer.startswith(f"{ours}@")
    }
