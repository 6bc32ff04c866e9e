"""Which calls a server keeps the record of (V6, G2, P3, H2), and which only go through it."""

from collections.abc import Mapping

from servers.kamailio.database import opened
from servers.kamailio.kinds import Kind
from servers.kamailio.site import ServerSite
from servers.records.fold import Relays, flat_of
from servers.records.handed import Handed

GUARD_STAGE, HOME_STAGE, UP_STAGE = "guard", "home", "up"


def relays_of(site: ServerSite) -> Relays:
    """The rule of this server. HomeLink keeps all, the cloud server nothing: a phone there keeps its own (P4)."""
    rules: Mapping[str, Relays] = {
        "homelink": lambda facts: False,
        "management": lambda facts: not _kept_by_management(site, facts),
        "cloud": lambda facts: True,
    }
    return rules[site.program]


def _kept_by_management(site: ServerSite, facts: Mapping[str, str]) -> bool:
    """Calls to the guards and by them, and those of homes that have no HomeLink to keep them."""
    if facts.get("stage") == GUARD_STAGE or facts.get("kind") == Kind.CONSOLE:
        return True
    if facts.get("stage") == HOME_STAGE and not _has_homelink(site, flat_of(facts)):
        return True
    from_home = facts.get("kind") == Kind.INDOOR and bool(facts.get("home"))
    return from_home and not _has_homelink(site, facts["home"])


def _has_homelink(site: ServerSite, flat: str) -> bool:
    with opened(site.databases.accounts) as accounts:
        found = accounts.execute("SELECT 1 FROM device WHERE aor = ? AND kind = ?", (flat, Kind.HOMELINK.value))
        return found.fetchone() is not None


def completed(site: ServerSite, handed: Handed, home: str) -> Handed:
    """With stage and flat as they stand here, where a device does not tell them; `home` is that of its account."""
    facts = {"called": handed.called, "home": home}
    return handed.model_copy(
        update={"stage": handed.stage or _stage(site, handed.called), "flat": handed.flat or flat_of(facts)}
    )


def _stage(site: ServerSite, called: str) -> str:
    if site.program == "homelink":
        return UP_STAGE
    return GUARD_STAGE if site.program == "management" and called == GUARD_STAGE else HOME_STAGE
