"""A small SIP client for tests: it sends exactly what a test says and shows exactly what came back.

Not a user agent: no transactions, no retransmissions, no media. One socket, one thread, every wait has a limit.
"""

import contextlib
import hashlib
import re
import secrets
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from servers.kamailio.config import Listener, TlsFiles

LIMIT = 15.0
"""Seconds that a test waits for a sign."""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


@dataclass(frozen=True)
class Message:
    """A SIP message as it came."""

    start: str
    headers: list[tuple[str, str]]
    body: str

    @property
    def status(self) -> int:
        """Code of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """Method of a request, or of the request that a response answers."""
        return self["CSeq"].split()[1]

    @property
    def is_request(self) -> bool:
        return self.status == 0

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def to_tag(self) -> str:
        return parameter(self["To"], "tag")

    @property
    def contact(self) -> str:
        """URI of the Contact."""
        match = re.search(r"<([^>]*)>", self["Contact"])
        return match[1] if match else self["Contact"]


def parse(data: bytes) -> Message:
    head, _, body = data.decode().partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    return Message(start, [(line.partition(":")[0].strip(), line.partition(":")[2].strip()) for line in lines], body)


def parameter(value: str, name: str) -> str:
    match = re.search(rf';{name}=("[^"]*"|[^;,>\s]*)', value)
    return match[1].strip('"') if match else ""


@dataclass
class Login:
    """A digest account."""

    user: str
    password: str
    realm: str
    address_of_record: str = ""
    _counts: dict[str, int] = field(default_factory=dict)

    def answer(self, challenge: Message, method: str, uri: str) -> str:
        """The header line that answers a 401 or 407 (RFC 2617, qop=auth)."""
        proxy = challenge.status == 407
        offer = challenge["Proxy-Authenticate" if proxy else "WWW-Authenticate"]
        nonce = re.search(r'nonce="([^"]*)"', offer)
        assert nonce, offer
        self._counts[nonce[1]] = self._counts.get(nonce[1], 0) + 1
        count, own = f"{self._counts[nonce[1]]:08x}", secrets.token_hex(4)
        ha1, ha2 = md5(f"{self.user}:{self.realm}:{self.password}"), md5(f"{method}:{uri}")
        response = md5(f"{ha1}:{nonce[1]}:{count}:{own}:auth:{ha2}")
        values = f'username="{self.user}", realm="{self.realm}", nonce="{nonce[1]}", uri="{uri}", response="{response}"'
        name = "Proxy-Authorization" if proxy else "Authorization"
        return f'{name}: Digest {values}, qop=auth, nc={count}, cnonce="{own}", algorithm=MD5'


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Silence(AssertionError):
    """Nothing that was waited for came in time."""


class Peer:
    """One client of a server: `send` and `wait`, and what most tests do with them."""

    def __init__(
        self, server: Listener, name: str, tls: TlsFiles | None = None, source: str = "", port: int = 0
    ) -> None:
        self.name = name
        self.server = server
        self._socket = _connect(server, tls, source or server.address, port)
        self._stream = server.transport != "udp"
        self._buffer = b""
        self.login = Login(name, "", "")
        self.unread: list[Message] = []
        """What came and was not waited for."""
        self._calls: list[Call] = []
        host, port = self._socket.getsockname()[:2]
        self.address = f"{host}:{port}"
        self.contact = f"sip:{name}@{self.address};transport={server.transport}"

    def server_uri(self, user: str) -> str:
        """Address of a user at the server's own address."""
        return f"sip:{user}@{self.server.address}:{self.server.port};transport={self.server.transport}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def give_up(self) -> None:
        """Cancel our calls that nobody has seen the end of, so that none waits for ever."""
        with contextlib.suppress(OSError):
            for call in self._calls:
                if not call.over:
                    call.cancel()

    # --- bytes -----------------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def wait(self, wanted: Callable[[Message], bool], limit: float = LIMIT) -> Message:
        """The first message that is wanted, among those that came and those that will."""
        deadline = time.monotonic() + limit
        while True:
            for message in self.unread:
                if wanted(message):
                    self.unread.remove(message)
                    return message
            self._receive(deadline)

    def wait_request(self, method: str, limit: float = LIMIT) -> Message:
        return self.wait(lambda message: message.is_request and message.start.startswith(f"{method} "), limit)

    def is_silent(self, seconds: float) -> bool:
        """Nothing comes for a while: only for what must not come at all."""
        try:
            self.wait(lambda _: True, seconds)
        except Silence:
            return True
        return False

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        if left <= 0 or not (pending or select.select([self._socket], [], [], left)[0]):
            raise Silence(f"{self.name}: nothing more came, unread are {[m.start for m in self.unread]}")
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError(f"{self.name}: the server closed the connection")
        if not self._stream:
            self.unread.append(parse(data))
            return
        self._buffer += data
        self._split()

    def _split(self) -> None:
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            match = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
            length = int(match[1]) if match else 0
            if len(rest) < length:
                return
            self.unread.append(parse(head + b"\r\n\r\n" + rest[:length]))
            self._buffer = rest[length:]

    # --- requests --------------------------------------------------------------------------------------------------

    def request(self, method: str, uri: str, headers: Mapping[str, str], extra: str = "", body: str = "") -> str:
        """Send a request and return the branch of its Via."""
        branch = headers.get("branch") or f"z9hG4bK{secrets.token_hex(8)}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.server.transport.upper()} {self.address};rport;branch={branch}",
            *(f"{name}: {value}" for name, value in headers.items() if name != "branch"),
            "Max-Forwards: 70",
            *([extra] if extra else []),
            *(["Content-Type: application/sdp"] if body.startswith("v=0") else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
        return branch

    def respond(self, request: Message, code: int, reason: str, tag: str = "", extra: str = "", body: str = "") -> None:
        """Answer a request; `tag` becomes the To-tag if it has none."""
        to = request["To"] if request.to_tag or not tag else f"{request['To']};tag={tag}"
        copied = [(name, value) for name, value in request.headers if name.lower() in ("via", "record-route")]
        lines = [
            f"SIP/2.0 {code} {reason}",
            *(f"{name}: {value}" for name, value in copied),
            f"From: {request['From']}",
            f"To: {to}",
            f"Call-ID: {request['Call-ID']}",
            f"CSeq: {request['CSeq']}",
            f"Contact: <{self.contact}>",
            *([extra] if extra else []),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def register(self, login: Login, address_of_record: str, expires: int = 300, priority: str = "") -> Message:
        """REGISTER, answering one challenge; gives the final response. `priority` is the q of the Contact."""
        lines = f"Expires: {expires}"
        uri = f"sip:{login.realm}"
        return self.authenticated("REGISTER", uri, address_of_record, login, lines, priority=priority)

    def authenticated(
        self,
        method: str,
        uri: str,
        address_of_record: str,
        login: Login,
        extra: str = "",
        limit: float = LIMIT,
        priority: str = "",
    ) -> Message:
        """A request outside a dialog, answering one challenge; gives the final response."""
        headers = {
            "From": f"<{address_of_record}>;tag={secrets.token_hex(4)}",
            "To": f"<{address_of_record}>",
            "Call-ID": secrets.token_hex(8),
            "Contact": f"<{self.contact}>" + (f";q={priority}" if priority else ""),
        }
        self.request(method, uri, {**headers, "CSeq": f"1 {method}"}, extra)
        challenge = self.wait(lambda m: m.status >= 200 and m["Call-ID"] == headers["Call-ID"], limit)
        if challenge.status not in (401, 407):
            return challenge
        lines = "\r\n".join(filter(None, [extra, login.answer(challenge, method, uri)]))
        self.request(method, uri, {**headers, "CSeq": f"2 {method}"}, lines)
        return self.wait(lambda m: m.status >= 200 and m["CSeq"].startswith("2 "), limit)

    def call(
        self, uri: str, login: Login | None = None, headers: str = "", body: str = SDP.format(port=4000)
    ) -> "Call":
        """INVITE, answering one challenge if there is a login; returns without waiting for the outcome."""
        call = Call(self, uri, headers, body)
        self._calls.append(call)
        call.invite()
        if login is not None:
            challenge = call.wait(lambda m: m.status in (401, 407))
            call.ack_failure(challenge)
            call.invite(login.answer(challenge, "INVITE", uri))
        return call


class Call:
    """The caller's side of one INVITE and its dialogs."""

    def __init__(self, peer: Peer, uri: str, headers: str, body: str) -> None:
        self.peer = peer
        self.uri = uri
        self.call_id = secrets.token_hex(8)
        self.sender = f"<sip:{peer.name}@{peer.address}>;tag={secrets.token_hex(4)}"
        self._headers = headers
        self._body = body
        self._sequence = 0
        self._branch = ""
        self.over = False
        """Whether a final response was read."""

    def invite(self, authorization: str = "") -> None:
        self._sequence += 1
        extra = "\r\n".join(filter(None, [self._headers, authorization]))
        headers = self._dialog(f"<{self.uri}>", "INVITE") | {"Contact": f"<{self.peer.contact}>"}
        self._branch = self.peer.request("INVITE", self.uri, headers, extra, self._body)

    def wait(self, wanted: Callable[[Message], bool], limit: float = LIMIT) -> Message:
        """A response to the INVITE."""
        return self.peer.wait(
            lambda m: m.status > 0 and m.method == "INVITE" and m["Call-ID"] == self.call_id and wanted(m), limit
        )

    def final(self, limit: float = LIMIT) -> Message:
        """The final response; one that is no success is acknowledged."""
        response = self.wait(lambda m: m.status >= 200, limit)
        self.over = True
        if response.status >= 300:
            self.ack_failure(response)
        return response

    def ack_failure(self, response: Message) -> None:
        headers = self._dialog(response["To"], "ACK") | {"branch": self._branch}
        self.peer.request("ACK", self.uri, headers)

    def cancel(self, extra: str = "") -> None:
        headers = self._dialog(f"<{self.uri}>", "CANCEL") | {"branch": self._branch}
        self.peer.request("CANCEL", self.uri, headers, extra)

    def ack(self, response: Message) -> None:
        """ACK of a 2xx, along the route set."""
        self.in_dialog("ACK", response, count=False)

    def in_dialog(self, method: str, response: Message, extra: str = "", body: str = "", count: bool = True) -> None:
        """A request in the dialog that `response` made."""
        self._sequence += 1 if count else 0
        routes = [f"Route: {value}" for value in reversed(response.all("Record-Route"))]
        headers = self._dialog(response["To"], method) | {"Contact": f"<{self.peer.contact}>"}
        self.peer.request(method, response.contact, headers, "\r\n".join(filter(None, [*routes, extra])), body)

    def _dialog(self, to: str, method: str) -> dict[str, str]:
        return {"From": self.sender, "To": to, "Call-ID": self.call_id, "CSeq": f"{self._sequence} {method}"}


def callee_request(peer: Peer, invite: Message, tag: str, method: str, extra: str = "", body: str = "") -> None:
    """A request of the called side in the dialog of an INVITE that it answered with `tag`."""
    routes = [f"Route: {value}" for value in invite.all("Record-Route")]
    headers = {
        "From": f"{invite['To']};tag={tag}",
        "To": invite["From"],
        "Call-ID": invite["Call-ID"],
        "CSeq": f"1 {method}",
        "Contact": f"<{peer.contact}>",
    }
    peer.request(method, invite.contact, headers, "\r\n".join(filter(None, [*routes, extra])), body)


def _connect(server: Listener, tls: TlsFiles | None, source: str, port: int) -> socket.socket:
    target = (server.address, server.port)
    if server.transport == "udp":
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram.bind((source, port))
        datagram.connect(target)
        return datagram
    stream = socket.create_connection(target, LIMIT, source_address=(source, port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if server.transport == "tcp":
        return stream
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls is not None:
        context.load_verify_locations(tls.authority)
        context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
        if tls.certificate.name != "none":
            context.load_cert_chain(tls.certificate, tls.key)
    return context.wrap_socket(stream, server_hostname=server.address)
