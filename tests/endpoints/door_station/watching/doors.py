"""A door that may be watched: a camera that counts, the door's own encoder, the port; and those who watch it."""

import base64
import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.sync.client import ClientConnection, connect

from endpoints.config.site import Site
from endpoints.door_station.pictures import Pictures
from endpoints.door_station.watching.service import DIARY, WatchingService
from endpoints.screens.watching.live import WebSocketSource
from hal.camera import Picture
from media.decoder import H264Decoder
from tests.media.pictures import NumberedCamera, number_of
from tests.media.streams import eventually

HOST, NAME, ISSUER = "127.0.0.1", "door1", "homelink:home301"
LIMIT = 30.0
STAMP = 8
WIDTH, HEIGHT = 320, 240


@dataclass
class WatchedDoor:
    """One door, and what a server that makes tokens for it knows."""

    service: WatchingService
    pictures: Pictures
    camera: NumberedCamera
    data: Path
    key: Ed25519PrivateKey
    told: list[tuple[str, Mapping[str, object]]]
    authority: Path | None = None
    busy: bool = False
    leases: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    @property
    def port(self) -> int:
        return int(cast(int, self.service.figures()["port"]))

    @property
    def figures(self) -> Mapping[str, Any]:
        return self.service.figures()

    @property
    def encoder(self) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], self.pictures.statistics()["encoder"])

    def token(self, key: Ed25519PrivateKey | None = None, seconds: float = 60.0, **claims: object) -> str:
        """A good token for a lease of its own, but for these claims; None leaves one out."""
        good = {"iss": ISSUER, "sub": "indoor1", "aud": NAME, "exp": time.time() + seconds}
        all_of_it = {**good, "jti": f"lease-{next(self.leases)}", "viewers": 4, **claims}
        return jwt.encode({k: v for k, v in all_of_it.items() if v is not None}, key or self.key, "EdDSA")

    def screen(self, token: str) -> WebSocketSource:
        """Over TLS, as a screen does it: websockets' own threads are not safe there before Python 3.13."""
        return WebSocketSource(f"https://{HOST}:{self.port}/live", {"Authorization": f"Bearer {token}"}, self._tls())

    def watch(self, token: str | None = None, sock: socket.socket | None = None) -> ClientConnection:
        """Over WebSocket, without TLS."""
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        uri = f"ws://{HOST}:{self.port}/live"
        return connect(uri, additional_headers=headers, compression=None, sock=sock, max_size=None)

    def url(self, path: str, token: str | None = None) -> str:
        """For a player, who can send no headers."""
        return f"http://{HOST}:{self.port}{path}?token={token or self.token()}"

    def ask(self, path: str, token: str | None = "", method: str = "GET") -> http.client.HTTPResponse:
        """The head of an answer; its body may go on. `token`: "" for a good one, None for none at all."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=LIMIT)
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.token()}"}
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    def diary(self, event: str) -> list[dict[str, Any]]:
        """What is written down of that kind."""
        path = self.data / DIARY
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def written(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The same, once so many are there."""
        eventually(lambda: len(self.diary(event)) >= count, f"{count} x {event} in the diary", LIMIT)
        return self.diary(event)

    def until_viewers(self, count: int) -> None:
        eventually(lambda: self.figures["viewers"] == count, f"{count} viewers", LIMIT)

    def _tls(self) -> ssl.SSLContext | None:
        if self.authority is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authority)
        return context


class NoisyCamera(NumberedCamera):
    """Its pictures cannot be made small."""

    def read(self) -> Picture:
        picture = super().read()
        luma, top = picture.width * picture.height, picture.width * 32
        data = bytes(picture.data)
        return replace(picture, data=data[:top] + os.urandom(luma - top) + data[luma:])


@contextmanager
def watched_door(
    folder: Path,
    camera: NumberedCamera | None = None,
    bit_rate: int = 300_000,
    viewers: int = 8,
    tls: Mapping[str, Path] | None = None,
    **more: object,
) -> Iterator[WatchedDoor]:
    """A door that serves, closed at the end."""
    key = Ed25519PrivateKey.generate()
    site = Site.model_validate(
        {
            "data": folder,
            "device": {"name": NAME},
            "sip": {"user": NAME, "domain": "example", "transport": "tls" if tls else "udp", "address": HOST},
            "tls": tls,
            "video": {"width": WIDTH, "height": HEIGHT, "rate": 25, "bit_rate": bit_rate},
            "watching": {"port": 0, "viewers": viewers, "jpeg_rate": 10, **more},
        }
    )
    assert site.watching is not None
    camera, told = camera or NumberedCamera(), list[tuple[str, Mapping[str, object]]]()
    pictures = Pictures(camera, site.video, secure=False)
    service = WatchingService(site, site.watching, pictures, lambda event, facts: told.append((event, facts)))
    service.trust({ISSUER: base64.b64encode(key.public_key().public_bytes_raw()).decode()})
    door = WatchedDoor(service, pictures, camera, folder, key, told, tls["authority"] if tls else None)
    service.give_way(lambda: door.busy)
    pictures.prepare()
    try:
        service.start()
        eventually(lambda: pictures.latest() is not None, "the camera's first picture", LIMIT)
        yield door
    finally:
        service.close()
        pictures.close()


def pictures_in(messages: Iterator[str | bytes], count: int) -> list[bytes]:
    """The first so many pictures, each with its time stamp."""
    found: list[bytes] = []
    while len(found) < count:
        message = next(messages)
        found += [message] if isinstance(message, bytes) else []
    return found


def numbers(messages: list[bytes]) -> list[int]:
    """What stands in the pictures. Raises DecodeError if they are no stream that begins with a key frame."""
    decoder = H264Decoder()
    return [number_of(picture) for each in messages for picture in decoder.decode(each[STAMP:], 0.0)]


def texts_until_end(connection: ClientConnection) -> list[dict[str, Any]]:
    """The text messages up to the end of the connection."""
    return [json.loads(message) for message in connection if isinstance(message, str)]
