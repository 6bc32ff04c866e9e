"""Sound and pictures through a cloud server's media relay, for tests: descriptions, sockets, what the relay holds."""

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from media.keep_alive import KeepAlive
from servers.media_relay import ng
from tests.servers.nodes import Node
from tests.servers.peer import LIMIT, Message

KEY_TYPE = 101
"""RTP payload type of a telephone's keys."""
DOOR_KEY, PHONE_KEY = "A" * 40, "B" * 40
_LINES = """v=0
o=- 1 {version} IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio {audio} RTP/SAVP 9 0 101
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}
"""
_VIDEO = """m=video {video} RTP/SAVPF 97
a=rtpmap:97 H264/90000
a=rtcp-fb:97 nack pli
a={direction}
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}
"""


@dataclass(frozen=True)
class Place:
    """Where one stream goes to."""

    kind: str
    address: str
    port: int
    profile: str


class Media:
    """The sockets of an endpoint, in the network namespace that it was made in."""

    def __init__(self, address: str, key: str, direction: str) -> None:
        self.address, self.key, self.direction = address, key, direction
        self.sockets = {kind: socket.socket(type=socket.SOCK_DGRAM) for kind in ("audio", "video")}
        for one in self.sockets.values():
            one.bind((address, 0))
            one.settimeout(0.1)

    def description(self, version: int = 1, video: str = _VIDEO) -> str:
        """Its SDP; `video` is the section of somebody who sends or shows real pictures."""
        ports = {kind: one.getsockname()[1] for kind, one in self.sockets.items()}
        lines = (_LINES + video).format(
            address=self.address, key=self.key, direction=self.direction, version=version, **ports
        )
        return re.sub("\r?\n", "\r\n", lines)

    def hears(self, kind: str, of: Callable[[], None], wanted: bytes) -> bool:
        """`of` is called again and again until such a packet came; it also keeps the router open to come in."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            of()
            try:
                while self.sockets[kind].recv(2048) != wanted:
                    continue
            except TimeoutError:
                continue
            return True
        return False

    def send(self, kind: str, target: Place, data: bytes) -> None:
        self.sockets[kind].sendto(data, (target.address, target.port))

    def keys_heard(self, count: int) -> set[int]:
        """Sequence numbers of so many packets of keys (RFC 4733), or of those that came."""
        heard: set[int] = set()
        deadline = time.monotonic() + LIMIT
        while len(heard) < count and time.monotonic() < deadline:
            with suppress(TimeoutError):
                data = self.sockets["audio"].recv(2048)
                if data[1] & 0x7F == KEY_TYPE:
                    heard.add(int.from_bytes(data[2:4]))
        return heard

    def open_way(self, kind: str, target: Place) -> None:
        """What our screens do from the beginning, so that packets find in to them."""
        self.send(kind, target, KeepAlive(1, 0.0).packet(False, 0.0))

    def close(self) -> None:
        for one in self.sockets.values():
            one.close()


def rtp(number: int) -> bytes:
    """A packet that can be told from others."""
    return bytes([0x80, 97]) + number.to_bytes(2) + bytes(8) + b"picture"


def key_pressed(number: int) -> list[bytes]:
    """The packets of a telephone's `number`th key (RFC 4733), from 0, and of the sound after it.

    Ten of the key, of which the last three say that it is over; the sequence begins with `20 * number`. As with many a
    telephone, PJSIP's among them, the time stamps move on by two packets more than were sent.
    """
    first, begin = 20 * number, (160 * 22 * number).to_bytes(4)
    events = [bytes([7, 0x80 if n > 7 else 0]) + (160 * min(n, 8)).to_bytes(2) for n in range(1, 11)]
    keys = [bytes([0x80, KEY_TYPE]) + (first + n).to_bytes(2) + begin + bytes(4) + e for n, e in enumerate(events)]
    after = [(first + n, 160 * (22 * number + 2 + n)) for n in range(10, 20)]
    return keys + [bytes([0x80, 0]) + n.to_bytes(2) + at.to_bytes(4) + bytes(164) for n, at in after]


def places(message: Message) -> dict[str, Place]:
    """Where a description says that its sender receives."""
    common = re.search(r"^c=IN IP4 (\S+)", message.body, re.MULTILINE)
    found = re.findall(r"^m=(\w+) (\d+) (\S+)", message.body, re.MULTILINE)
    assert common, message.body
    return {kind: Place(kind, common[1], int(port), profile) for kind, port, profile in found}


def keys(message: Message) -> list[str]:
    """The lines with keys of SRTP."""
    return re.findall(r"^a=crypto:.*?(?=\r?$)", message.body, re.MULTILINE)


def relayed(cloud: Node) -> list[str]:
    """The calls that the relay of this server holds now."""
    text = (cloud.site.run_folder / "kamailio.cfg").read_text()
    found = re.search(r"!RELAY_SOCKET!udp:([\d.]+):(\d+)!", text)
    assert found
    return ng.calls((found[1], int(found[2])))


def wait_until_relayed(cloud: Node, count: int) -> None:
    """Return when the relay holds so many calls."""
    deadline = time.monotonic() + LIMIT
    while (calls := relayed(cloud)) is not None and len(calls) != count:
        assert time.monotonic() < deadline, f"the relay holds {calls}"
        threading.Event().wait(0.05)
