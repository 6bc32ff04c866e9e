"""A SIP client of a few lines for load: plain UDP, one call at a time, no media; a visitor's side and a resident's."""

import hashlib
import random
import re
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
AGAIN = 0.3
"""Seconds after which a request without an answer is sent again."""


@dataclass(frozen=True, slots=True)
class Account:
    """A digest login."""

    user: str
    password: str = field(repr=False)
    realm: str

    def authorization(self, challenge: str, method: str, uri: str) -> str:
        """The header line that answers a 401 or 407 (RFC 2617, qop=auth)."""
        proxy = status(challenge) == 407
        nonce = (
            header(challenge, "Proxy-Authenticate" if proxy else "WWW-Authenticate")
            .partition('nonce="')[2]
            .partition('"')[0]
        )
        own = secrets.token_hex(4)
        ha1, ha2 = _md5(f"{self.user}:{self.realm}:{self.password}"), _md5(f"{method}:{uri}")
        response = _md5(f"{ha1}:{nonce}:00000001:{own}:auth:{ha2}")
        values = f'username="{self.user}", realm="{self.realm}", nonce="{nonce}", uri="{uri}", response="{response}"'
        name = "Proxy-Authorization" if proxy else "Authorization"
        return f'{name}: Digest {values}, qop=auth, nc=00000001, cnonce="{own}", algorithm=MD5\r\n'


class Line:
    """A socket towards one server, and the messages on it."""

    def __init__(self, address: str, port: int, user: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, port))
        self.server = f"{address}:{port}"
        self.here = "{}:{}".format(*self.socket.getsockname())
        self.contact = f"<sip:{user}@{self.here}>"

    def receive(self, deadline: float) -> str:
        """The next message, "" if none comes in time or nobody listens there."""
        try:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            return self.socket.recv(65535).decode("utf-8", "replace")
        except OSError:
            return ""

    def answer(self, request: str, line: str, tag: str, body: str = "") -> None:
        """Respond to a request."""
        copied = "".join(f"{name}: {value}\r\n" for name in ("Via", "Record-Route") for value in headers(request, name))
        to = header(request, "To")
        tagged = to if ";tag=" in to else f"{to};tag={tag}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.send(
            f"SIP/2.0 {line}\r\n{copied}From: {header(request, 'From')}\r\nTo: {tagged}\r\n"
            f"Call-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\n"
            f"Contact: {self.contact}\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def send(self, message: str) -> None:
        """Send; a server that is down is found out by its silence."""
        try:
            self.socket.send(message.encode())
        except OSError:
            return

    def request(self, method: str, uri: str, dialog: str, number: int, more: str = "", body: str = "") -> str:
        """The text of a request; `dialog` is its From, To and Call-ID."""
        via = f"Via: SIP/2.0/UDP {self.here};rport;branch=z9hG4bK{secrets.token_hex(8)}\r\n"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\n{via}{dialog}CSeq: {number} {method}\r\nContact: {self.contact}\r\n"
            f"Max-Forwards: 70\r\n{more}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def ask(self, message: str, patience: float) -> str:
        """Send again and again until there is a final answer, "" if none comes."""
        sequence, end = header(message, "CSeq"), time.monotonic() + patience
        again = 0.0
        while (now := time.monotonic()) < end:
            if now >= again:
                self.send(message)
                again = now + AGAIN
            answer = self.receive(min(again, end))
            if status(answer) >= 200 and header(answer, "CSeq") == sequence and _same_call(answer, message):
                return answer
            if status(answer) >= 100 and header(answer, "CSeq") == sequence:
                again = end  # it has it
            if not answer:
                time.sleep(0.01)  # nobody listens there: that is told at once
        return ""


class Visitor:
    """Calls a home, one visit after the other."""

    def __init__(self, address: str, port: int, account: Account) -> None:
        self._account = account
        self._line = Line(address, port, account.user)

    def visit(self, home: str, session_id: str, patience: float = 3.0) -> int:
        """One call that is hung up as soon as it is answered; gives its final status, 0 for none."""
        line, uri = self._line, f"sip:{home}@{self._line.server}"
        sender = f"From: <sip:{self._account.user}@{line.here}>;tag={secrets.token_hex(4)}\r\n"
        dialog = f"{sender}To: <{uri}>\r\nCall-ID: {secrets.token_hex(8)}\r\n"
        session = f"Session-ID: {session_id};remote={'0' * 32}\r\n"
        first = line.request("INVITE", uri, dialog, 1, session, SDP)
        challenge = line.ask(first, patience)
        self._acknowledge(first, challenge)
        if status(challenge) not in (401, 407):
            return status(challenge)
        login = self._account.authorization(challenge, "INVITE", uri)
        second = line.request("INVITE", uri, dialog, 2, session + login, SDP)
        final = line.ask(second, patience)
        if status(final) != 200:
            self._acknowledge(second, final)
            return status(final)
        self._hang_up(final, sender, patience)
        return 200

    def _acknowledge(self, invite: str, final: str) -> None:
        if status(final) >= 300:
            head = invite.replace("INVITE ", "ACK ", 1).replace(" INVITE\r\n", " ACK\r\n").partition("Content-")[0]
            to = f"To: {header(final, 'To')}\r\n"
            self._line.send(re.sub(r"To: [^\r]*\r\n", lambda _: to, head, count=1) + "Content-Length: 0\r\n\r\n")

    def _hang_up(self, final: str, sender: str, patience: float) -> None:
        dialog = f"{sender}To: {header(final, 'To')}\r\nCall-ID: {header(final, 'Call-ID')}\r\n"
        target = header(final, "Contact").strip("<>").partition(">")[0]
        routes = "".join(f"Route: {value}\r\n" for value in reversed(headers(final, "Record-Route")))
        self._line.send(self._line.request("ACK", target, dialog, 2, routes))
        self._line.ask(self._line.request("BYE", target, dialog, 3, routes), patience)


class Resident:
    """Registers, and answers every call after a while; ended by `close`."""

    def __init__(
        self, address: str, port: int, account: Account, home: str, rings: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """`rings`: at least and at most so many seconds."""
        self._rings = rings
        self._line = Line(address, port, account.user)
        self._account, self._home, self._closed = account, home, False
        self._thread = threading.Thread(target=self._serve, name="resident", daemon=True)

    def register(self, patience: float = 5.0) -> bool:
        """True if the server took it; to be called before `start`."""
        line, uri, address = self._line, f"sip:{self._account.realm}", f"sip:{self._home}@{self._account.realm}"
        dialog = (
            f"From: <{address}>;tag={secrets.token_hex(4)}\r\nTo: <{address}>\r\nCall-ID: {secrets.token_hex(8)}\r\n"
        )
        expires = "Expires: 3600\r\n"
        challenge = line.ask(line.request("REGISTER", uri, dialog, 1, expires), patience)
        login = self._account.authorization(challenge, "REGISTER", uri)
        return status(line.ask(line.request("REGISTER", uri, dialog, 2, expires + login), patience)) == 200

    def start(self) -> None:
        """Answer calls from now on."""
        self._thread.start()

    def close(self) -> None:
        """Be gone."""
        self._closed = True
        self._thread.join(2)
        self._line.socket.close()

    def _serve(self) -> None:
        while not self._closed:
            message = self._line.receive(time.monotonic() + 0.2)
            if message.startswith("INVITE "):
                self._answer(message, "180 Ringing")
                timer = threading.Timer(random.uniform(*self._rings), self._answer, (message, "200 OK", SDP))
                timer.daemon = True
                timer.start()
            elif message and not message.startswith(("ACK ", "SIP/2.0 ")):
                self._answer(message, "200 OK")

    def _answer(self, request: str, line: str, body: str = "") -> None:
        self._line.answer(request, line, self._account.user, body)


class Lamp:
    """The lamp of a SIP phone: subscribed to the messages of its home (RFC 3842); ended by `close`."""

    def __init__(self, address: str, port: int, account: Account, home: str) -> None:
        self._line, self._account = Line(address, port, account.user), account
        self._address = f"sip:{home}@{account.realm}"
        self._shown: dict[int, float] = {}
        self._changed, self._closed = threading.Condition(), False
        self._thread = threading.Thread(target=self._serve, name="lamp", daemon=True)

    def subscribe(self, patience: float = 5.0) -> bool:
        """True if the server took it; from then on the lamp shows what it is told."""
        line, dialog = self._line, f"From: <{self._address}>;tag={secrets.token_hex(4)}\r\nTo: <{self._address}>\r\n"
        dialog += f"Call-ID: {secrets.token_hex(8)}\r\n"
        event = "Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: 3600\r\n"
        challenge = line.ask(line.request("SUBSCRIBE", self._address, dialog, 1, event), patience)
        login = self._account.authorization(challenge, "SUBSCRIBE", self._address)
        answer = line.ask(line.request("SUBSCRIBE", self._address, dialog, 2, event + login), patience)
        self._thread.start()
        return status(answer) in (200, 202)

    def shown(self, waiting: int, patience: float = 30.0) -> float:
        """When it first showed so many new messages, ms of the monotonic clock. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: waiting in self._shown, patience):
                raise TimeoutError(f"the lamp did not show {waiting} messages within {patience:g} s: {self._shown}")
            return self._shown[waiting]

    def close(self) -> None:
        """Be gone."""
        self._closed = True
        self._thread.join(2)
        self._line.socket.close()

    def _serve(self) -> None:
        while not self._closed:
            told = self._line.receive(time.monotonic() + 0.2)
            now = time.monotonic() * 1000
            if told.startswith("NOTIFY "):
                self._line.answer(told, "200 OK", self._account.user)
                if match := re.search(r"Voice-Message: (\d+)/", told):
                    with self._changed:
                        self._shown.setdefault(int(match[1]), now)
                        self._changed.notify_all()


def status(message: str) -> int:
    """Code of a response, 0 for anything else."""
    match = re.match(r"SIP/2\.0 (\d{3}) ", message)
    return int(match[1]) if match else 0


def headers(message: str, name: str) -> list[str]:
    """Every value of a header, in order."""
    return re.findall(rf"(?im)^{name}\s*:\s*([^\r]*)", message.partition("\r\n\r\n")[0])


def header(message: str, name: str) -> str:
    """The first value of a header, "" without one."""
    return next(iter(headers(message, name)), "")


def _same_call(one: str, other: str) -> bool:
    return header(one, "Call-ID") == header(other, "Call-ID")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
