"""PJSUA2 opened and closed in a fixed order: endpoint, transport, account, voice port, and back."""

import contextlib
import gc
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from endpoints.errors import SipError
from endpoints.sip.agent import SipSettings, VoicePath
from endpoints.sip.pjsua import configuration
from endpoints.sip.pjsua.front import FrontModule
from endpoints.sip.pjsua.library import native, pj
from endpoints.sip.pjsua.shells import Account, Endpoint, LogBridge, Source
from endpoints.sip.pjsua.sound import BridgePort, Silence, SoundClock, SoundPackets
from endpoints.sip.pjsua.wakeup import Wakeup

log = logging.getLogger(__name__)


class Stack:
    """The library with a transport and an account for each server; made, used and closed on one thread."""

    def __init__(
        self,
        settings: SipSettings,
        on_registration: Callable[[int, int, str, bool, Source], None],
        on_call: Callable[[int, int, str, Source], None],
        on_disconnect: Callable[[int], None],
        on_notice: Callable[[str, str, str], None],
        admit: Callable[[], bool],
    ) -> None:
        """Open everything. Raises SipError with the reason if something cannot be opened.

        `on_registration` and `on_call` get the number of the server first.
        """
        self._settings = settings
        self._endpoint: Any = Endpoint(on_disconnect)
        self._log = LogBridge()
        self._bridge_address = 0
        self._sound: SoundClock | None = None
        self._accounts: list[Any] = []
        self._open_accounts: list[tuple[SipSettings, int]] = []
        self.wakeup = Wakeup(native.library)
        self.wakes = False
        """Whether `wakeup.poke` ends a poll; else polls must be short."""
        self._front = FrontModule(native.library, admit)
        self._socket_options = configuration.keep_alive_options(settings.keep_alive)
        try:
            self._open()
            for number, each in enumerate((settings, settings.away) if settings.away else (settings,)):
                account = Account(partial(on_registration, number), partial(on_call, number), on_notice)
                self._add(account, each)
        except pj.Error as error:
            self.close()
            raise SipError(f"SIP over {settings.transport} cannot be opened: {error.reason}") from None

    def _open(self) -> None:
        endpoint = self._endpoint
        endpoint.libCreate()
        endpoint.libInit(configuration.library_config(self._log))
        # The library deletes its log writer itself.
        self._log.__disown__()
        self._front.install()
        self.wakes = self.wakeup.open()
        self._packets = SoundPackets(native.library)
        self._limit_codecs()
        endpoint.libStart()
        self._bridge_address = int(endpoint.audDevManager().setNoDev())

    def _add(self, account: Account, settings: SipSettings) -> None:
        kinds = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
        options = configuration.transport_config(settings, self._socket_options)
        transport = self._endpoint.transportCreate(kinds[settings.transport], options)
        account.create(configuration.account_config(settings, transport))
        self._accounts.append(account)
        self._open_accounts.append((settings, transport))

    def _limit_codecs(self) -> None:
        wanted = configuration.CODECS if self._settings.wideband else configuration.NARROW
        for codec in self._endpoint.codecEnum2():
            name = str(codec.codecId)
            priority = next((value for key, value in wanted.items() if name.startswith(key)), 0)
            self._endpoint.codecSetPriority(name, priority)

    def account(self, server: int) -> Any:
        """The account at that server, for new calls."""
        return self._accounts[server]

    def sound(self, voice: VoicePath | None) -> Any | None:
        """The bridge's end of the voice path, with its clock running; None without a voice path."""
        if voice is None:
            return None
        self._clock(voice).start()
        return self._endpoint.audDevManager().getPlaybackDevMedia()

    def rest_sound(self, voice: VoicePath | None) -> None:
        """No call is left. Also one that only rang has a port at the bridge, which is freed while the clock runs."""
        self._clock(voice or Silence()).rest()

    def _clock(self, voice: VoicePath) -> SoundClock:
        if self._sound is None:
            port = BridgePort(native.library, self._bridge_address)
            self._sound = SoundClock(voice, port, self._packets.take, lambda: self._endpoint.libRegisterThread("sound"))
        return self._sound

    def poll(self, milliseconds: int) -> None:
        """Let the library work, waiting at most so long for something to happen."""
        self._endpoint.libHandleEvents(milliseconds)

    def register(self, server: int, on: bool = True) -> None:
        """Send REGISTER, or take the registration back. Raises the library's error."""
        self._accounts[server].setRegistration(on)

    def move_registration(self, server: int, registrar: str) -> None:
        """Register at another node from now on, and call through it; begins at once. Raises the library's error."""
        settings, transport = self._open_accounts[server]
        self._accounts[server].modify(configuration.account_config(replace(settings, registrar=registrar), transport))

    def move(self) -> None:
        """The machine's address changed: new sockets, new Contact, calls told by re-INVITE."""
        self._endpoint.handleIpChange(pj.IpChangeParam())

    def close(self) -> None:
        """Free everything, send nothing more, wait for nobody; no `Call` may be left."""
        if self._sound is not None:
            self._sound.close()
            self._sound = None
        self._shut_accounts()
        # A binding's object that outlives the library aborts the process.
        gc.collect()
        if self._endpoint is not None:
            self.wakeup.close()
            self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)
            self._endpoint = None

    def _shut_accounts(self) -> None:
        for account in self._accounts:
            with contextlib.suppress(pj.Error):
                account.shutdown()
        self._accounts.clear()
