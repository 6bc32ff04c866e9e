"""What the door station's app says about watching; nothing here waits, and everything large loads late."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from endpoints.config import Site
from endpoints.config.site import Watching
from endpoints.door_station.pictures import Pictures
from endpoints.errors import ServiceError

if TYPE_CHECKING:  # loaded after the registration
    import ssl

    from endpoints.door_station.watching.diary import Diary
    from endpoints.door_station.watching.server import WatchingServer
    from endpoints.door_station.watching.tokens import TokenJudge

log = logging.getLogger(__name__)

DIARY = "watching.jsonl"


class WatchingService:
    """Of one door station; methods may be called from any thread."""

    def __init__(
        self, site: Site, settings: Watching, pictures: Pictures, tell: Callable[[str, Mapping[str, object]], None]
    ) -> None:
        """`tell` publishes an event."""
        self._site, self._settings, self._pictures, self._tell = site, settings, pictures, tell
        self._busy: Callable[[], bool] = lambda: False
        self._watchers: Mapping[str, str] = {}
        self._judge: TokenJudge | None = None
        self._server: WatchingServer | None = None
        self._diary: Diary | None = None
        self._lock = threading.Lock()
        self._closed = False

    def give_way(self, busy: Callable[[], bool]) -> None:
        """Watchers come last while `busy`."""
        self._busy = busy

    def trust(self, watchers: Mapping[str, str]) -> None:
        """Whose tokens are good from now on: issuer -> Ed25519 public key, base64."""
        with self._lock:
            self._watchers = watchers
            if self._judge is not None:
                self._judge.trust(watchers)

    def start(self) -> None:
        """Serve. Raises ServiceError if the port is taken."""
        from endpoints.door_station.watching.diary import Diary
        from endpoints.door_station.watching.server import Surroundings, WatchingServer
        from endpoints.door_station.watching.tokens import TokenJudge

        site, pictures = self._site, self._pictures
        around = Surroundings(pictures, pictures.latest, self._in_visit, self._tell)
        with self._lock:
            if self._closed:
                return
            self._judge = TokenJudge(site.device.name)
            self._judge.trust(self._watchers)
            self._diary = Diary(site.data / DIARY)
            server = WatchingServer(self._settings, site.video, self._judge, self._diary, around)
            server.start(site.sip.address, self._tls())
            self._server = server
        log.info("the door may be watched on port %d", server.port)
        self._tell("watching-open", {"port": server.port})

    def figures(self) -> Mapping[str, object]:
        """For the service port: how many watch, and where."""
        server = self._server
        return server.figures() if server is not None else {"port": 0, "viewers": 0}

    def close(self) -> None:
        """End every stream; twice does no harm."""
        with self._lock:
            self._closed = True
            if self._server is not None:
                self._server.close()
            if self._diary is not None:
                self._diary.close()

    def _in_visit(self) -> bool:
        return self._busy()

    def _tls(self) -> "ssl.SSLContext | None":
        """The door's certificate; none only where SIP has none either."""
        if self._site.tls is None or self._site.sip.transport != "tls":
            return None
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._site.tls.certificate, self._site.tls.key)
        except OSError as error:
            raise ServiceError(f"[watching] cannot use the certificate of [tls]: {error}") from error
        return context
