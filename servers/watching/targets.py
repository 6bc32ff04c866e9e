"""What may be watched, and by whom: the only addresses that anything is forwarded to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from servers.directory.entries import Sight

if TYPE_CHECKING:
    from servers.above.directory import DirectoryCopy
    from servers.directory.store import DirectoryStore
    from servers.homelink.site import Site
    from servers.http.identity import Identity


@dataclass(frozen=True, slots=True)
class Target:
    """A door or a camera."""

    name: str
    title: str
    kind: Sight
    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """As in `url`, or what its scheme has."""
        parts = urlsplit(self.url)
        return parts.port or {"https": 443, "http": 80, "rtsp": 554}[parts.scheme]

    @property
    def secure(self) -> bool:
        """Whether it is asked over TLS."""
        return self.url.startswith("https:")


Targets: TypeAlias = "Callable[[Identity], Mapping[str, Target]]"
"""Who asks -> what they may watch, by name."""


def home_targets(site: "Site", directory: "DirectoryCopy") -> Targets:
    """At a HomeLink: doors that the directory gives this home, those of the site file, and the home's cameras."""

    def targets(caller: "Identity") -> Mapping[str, Target]:
        if not caller.kind.resident:
            return {}
        told = directory.watchables().items()
        found = {name: Target(name, one["title"], Sight(one["kind"]), one["url"]) for name, one in told}
        for door in site.watching.doors if site.watching else ():
            found[door.name] = Target(door.name, door.title, Sight.DOOR, door.url)
        for one in site.nvr.cameras if site.nvr else ():
            url = f"{site.nvr.url}{one.path}" if site.nvr else ""
            password = one.password.get_secret_value()
            found[one.name] = Target(one.name, one.title, Sight.CAMERA, url, one.user, password)
        return found

    return targets


def community_targets(store: "Callable[[], DirectoryStore]") -> Targets:
    """At a management server: everything for guards; for people of homes without HomeLink what their flat may see."""
    from servers.kamailio.kinds import Kind

    def targets(caller: "Identity") -> Mapping[str, Target]:
        guard = caller.kind is Kind.CONSOLE
        if not guard and not caller.kind.resident:
            return {}
        return {
            name: Target(name, one.title, one.kind, one.url, one.user, one.password)
            for name, one in store().edition().watchables.items()
            if guard or one.shown_to(caller.home)
        }

    return targets
