"""The directory as devices read it: what to call in each stage, computed from what a flat has; by kind of account."""

import hashlib
import json
from typing import Any

from servers.directory.entries import Flat
from servers.directory.store import Edition
from servers.directory.watching import told as told_of_watching
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import reachable
from servers.management.site import GUARD, ManagementSite

Json = dict[str, Any]


def document(site: ManagementSite, edition: Edition, kind: Kind, home: str = "", name: str = "") -> Json:
    """What the account `name` of this kind is told. Doors learn whom to call, who may open, where to deposit what
    visitors leave and whose tokens let somebody watch, never a telephone number; homes only learn names, and HomeLink
    what lets a door deposit there and where the doors are that it may watch; guards learn numbers too."""
    flats = {number: _flat(site, number, flat, kind) for number, flat in edition.flats.items()}
    if kind is Kind.DOOR:
        for number, flat in edition.flats.items():
            flats[number] |= _messages(site, flat, edition.deposits.get(number, ""))
    if kind is Kind.HOMELINK and home in flats:
        flats[home]["messages"] = {"token": edition.deposits.get(home, "")}
    guard: Json = {"uris": _uris(site, GUARD), "records": _records(site)}
    if kind in (Kind.DOOR, Kind.CONSOLE):
        guard["devices"] = {name: console.key for name, console in edition.consoles.items() if console.key}
    told: Json = {"version": edition.version, "community": site.management.community, "guard": guard, "flats": flats}
    if kind is Kind.CONSOLE:
        told["consoles"] = {name: {"priority": console.priority} for name, console in edition.consoles.items()}
    return told | told_of_watching(site, edition, kind, home, name)


def tag(told: Json) -> str:
    """The ETag (RFC 9110): the version, and a fingerprint, for a site file may change what is told of one version."""
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return f'"{told["version"]}-{digest[:12]}"'


def _flat(site: ManagementSite, number: str, flat: Flat, kind: Kind) -> Json:
    if kind is Kind.DOOR:
        keys = {device.name: device.key for device in flat.devices if device.key}
        stages = _stages(site, number, flat)
        return {"name": flat.name, "stages": stages, "records": _keeper(site, flat), "devices": keys}
    return {"name": flat.name} | ({"telephone": flat.telephone} if kind is Kind.CONSOLE else {})


def _keeper(site: ManagementSite, flat: Flat) -> str:
    """The HTTP service that keeps records and messages of this flat; "" without one."""
    return flat.records if flat.homelink else _records(site)


def _messages(site: ManagementSite, flat: Flat, token: str) -> Json:
    url = _keeper(site, flat)
    return {"messages": {"url": url, "token": token}} if url and token else {}


def _stages(site: ManagementSite, number: str, flat: Flat) -> list[Json]:
    ways = {"home": [flat.homelink] if flat.homelink else []}
    if not flat.homelink and flat.has(Kind.INDOOR):
        ways["home"] = _uris(site, number, "home")
    if site.upstream is not None:
        ways["phones"] = _away(site, number, "phones") if flat.has(Kind.PHONE) else []
        ways["telephone"] = _away(site, number, "telephone") if flat.telephone else []
    return [{"name": name, "uris": uris} for name, uris in ways.items() if uris]


def _away(site: ManagementSite, number: str, stage: str) -> list[str]:
    """Through this server; the cloud itself only for who cannot reach this server at all."""
    uris = _uris(site, number, stage)
    if site.upstream is not None:
        public = [site.upstream.public] if site.upstream.public else site.upstream.uris
        places = (uri.removeprefix("sip:") for uri in public)
        uris += [f"sip:{number}.{site.management.community}@{place};stage={stage}" for place in places]
    return uris


def _records(site: ManagementSite) -> str:
    """Our own HTTP service; "" without one."""
    scheme = "https" if site.tls_files else "http"
    return f"{scheme}://{_host(site)}:{site.http.port}" if site.http else ""


def _host(site: ManagementSite) -> str:
    address = reachable(site.listeners[0].address)
    return f"[{address}]" if ":" in address else address


def _uris(site: ManagementSite, user: str, stage: str = "") -> list[str]:
    """Through this node first: the devices that ask different nodes spread over them."""
    listener = site.listeners[0]
    places = [f"{site.listen.advertise or f'{_host(site)}:{listener.port}'};transport={listener.transport}"]
    places += [uri.removeprefix("sip:") for uri in (site.nodes.other_uris if site.nodes else ())]
    return [f"sip:{user}@{place}" + (f";stage={stage}" if stage else "") for place in places]
