"""A device that only registers, over TLS: hundreds of them fit into one process. It tries again as our endpoints do."""

import asyncio
import hashlib
import re
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from endpoints.config.site import Sip
from endpoints.sip.agent import Registered, SipEvent
from endpoints.sip.message import Message
from endpoints.sip.registration import CONNECTION_LOST, HANDSHAKE, Registration
from servers.kamailio.accounts import Credentials, login_hash
from servers.kamailio.config import Listener

RETRY: float = Sip.model_fields["retry"].default
EXPIRES: int = Sip.model_fields["expires"].default
ANSWER = 32.0
"""Seconds after which a request that nobody answered is over (RFC 3261, timer F)."""


@dataclass(slots=True)
class Diary:
    """What all the devices did, with the times of the monotonic clock."""

    sent: list[float] = field(default_factory=list)
    """REGISTER requests."""
    failed: list[float] = field(default_factory=list)
    """Attempts that came to nothing."""
    registered: dict[str, float] = field(default_factory=dict)
    """Devices that are registered, and since when."""


class Device:
    """One device; `run` is its life."""

    def __init__(self, account: Credentials, server: Listener, source: str, tls: ssl.SSLContext, diary: Diary) -> None:
        """`source`: the address that it calls from."""
        self._account, self._server, self._source, self._tls, self._diary = account, server, source, tls, diary
        self._registration = Registration(RETRY, self._told)
        self._call_id, self._tag, self._number = secrets.token_hex(8), secrets.token_hex(4), 0

    async def run(self) -> None:
        """Register, stay registered, register again; until cancelled."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            pause = await self._attempt()

    async def _attempt(self) -> float:
        """From one connection to its end; gives the seconds until the next one."""
        try:
            async with self._connection() as (reader, writer):
                code, reason = await self._register(reader, writer)
                delay = self._registration.answered(code, reason, active=True)
                if delay is None:
                    await _until_closed(reader)
                    return self._registration.connection_lost()
        except (OSError, asyncio.IncompleteReadError) as error:
            delay = self._registration.answered(CONNECTION_LOST, str(error), active=False)
        self._diary.failed.append(time.monotonic())
        return delay or RETRY

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        host, port = self._server.address, self._server.port
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE, local_addr=(self._source, 0)
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _register(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str]:
        """The registrar's last word; a challenge is answered."""
        answer = await self._ask(reader, writer, "")
        if answer.status == 401:
            answer = await self._ask(reader, writer, self._login(answer))
        return answer.status, answer.start.partition(" ")[2]

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: str) -> Message:
        writer.write(self._request(writer.get_extra_info("sockname"), login))
        self._diary.sent.append(time.monotonic())
        try:
            async with asyncio.timeout(ANSWER):
                return Message.parse((await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace"))
        except TimeoutError as error:
            raise OSError("no answer") from error

    def _request(self, own: tuple[str, int], login: str) -> bytes:
        self._number += 1
        address = self._account.address_of_record
        lines = [
            f"REGISTER {self._uri} SIP/2.0",
            f"Via: SIP/2.0/TLS {own[0]}:{own[1]};rport;branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <{address}>;tag={self._tag}",
            f"To: <{address}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {self._number} REGISTER",
            f"Contact: <sip:{self._account.user}@{own[0]}:{own[1]};transport=tls>",
            f"Expires: {EXPIRES}",
            "Max-Forwards: 70",
            *([login] if login else []),
            "Content-Length: 0",
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def _uri(self) -> str:
        return f"sip:{self._account.realm}"

    def _login(self, challenge: Message) -> str:
        """The header that answers a challenge (RFC 2617, qop=auth)."""
        nonce = re.search(r'nonce="([^"]*)"', challenge.header("www-authenticate"))
        if nonce is None:
            raise OSError("a challenge without a nonce")
        user, realm, own = self._account.user, self._account.realm, secrets.token_hex(4)
        proof = _md5(f"REGISTER:{self._uri}")
        secret = login_hash(user, realm, self._account.password)
        response = _md5(f"{secret}:{nonce[1]}:00000001:{own}:auth:{proof}")
        return (
            f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce[1]}", uri="{self._uri}", '
            f'response="{response}", qop=auth, nc=00000001, cnonce="{own}", algorithm=MD5'
        )

    def _told(self, event: SipEvent) -> None:
        """What an app would be told."""
        if isinstance(event, Registered):
            self._diary.registered[self._account.name] = time.monotonic()
        else:
            self._diary.registered.pop(self._account.name, None)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(4096):
            pass


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
