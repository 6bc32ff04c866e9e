"""A door station to watch in tests: real H.264 from its own encoder, real tokens, and a memory of who asked."""

import asyncio
import base64
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import jwt
import numpy as np
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from servers.community.authority import IssuedFiles

RATE = 25
SIZE = (160, 120)
LIMIT = 30.0


@dataclass
class StandInDoor:
    """Follows the contract of a door station's watching service."""

    name: str
    keys: dict[str, str]
    """Issuer -> public key, as the directory tells."""
    address: str
    port: int
    secure: bool
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Path and claims of each request that was let in."""
    refused: list[str] = field(default_factory=list)
    ends: dict[str, float] = field(default_factory=dict)
    """Of leases, by their mark."""
    viewers: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.address}:{self.port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        claims = self._claims(scope)
        if claims is None:
            self.refused.append(scope["path"])
            prefix = "websocket.http." if scope["type"] == "websocket" else "http."
            await send({"type": f"{prefix}response.start", "status": 401, "headers": []})
            await send({"type": f"{prefix}response.body", "body": b""})
            return
        self.asked.append((scope["path"], claims))
        self.ends[claims["jti"]] = claims["exp"]
        self.viewers += 1
        try:
            await self._serve(scope, receive, send, claims["jti"])
        except OSError:
            pass
        finally:
            self.viewers -= 1

    def _claims(self, scope: Any) -> dict[str, Any] | None:
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        try:
            issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.keys[issuer]))
            return jwt.decode(token, key, ["EdDSA"], audience=self.name)
        except (jwt.InvalidTokenError, KeyError):
            return None

    async def _serve(self, scope: Any, receive: Any, send: Any, lease: str) -> None:
        path = scope["path"]
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": json.dumps({"viewers": self.viewers})})
            async for taken, unit, _ in self._pictures(lease):
                await send({"type": "websocket.send", "bytes": taken.to_bytes(8, "big") + unit})
            await send({"type": "websocket.close", "code": 1000})
        elif path == "/renew":
            await self._answer(send, "text/plain", b"")
        elif path == "/snapshot.jpg":
            await self._answer(send, "image/jpeg", jpeg())
        elif path == "/live.mp4":
            await self._stream(receive, send, "video/mp4", (film async for _, _, film in self._pictures(lease)))
        elif path == "/live.mjpeg":
            parts = (part(jpeg()) async for _ in self._pictures(lease))
            await self._stream(receive, send, "multipart/x-mixed-replace; boundary=picture", parts)

    async def _answer(self, send: Any, kind: str, body: bytes) -> None:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, receive: Any, send: Any, kind: str, pieces: AsyncIterator[bytes]) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        async for piece in pieces:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _pictures(self, lease: str) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """When, access unit, what a film grows by; until the lease's token is over."""
        source, number = Source(), 0
        while time.time() < self.ends[lease]:
            yield time.time_ns() // 1000, *source.next(number)
            number += 1
            await asyncio.sleep(1 / RATE)


class Source:
    """Encodes a moving stripe, and makes a film of it, fragment by fragment."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = SIZE
        self._codec.pix_fmt, self._codec.time_base = "yuv420p", Fraction(1, 90_000)
        self._codec.framerate = Fraction(RATE, 1)
        self._codec.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": "25"}
        flags = "empty_moov+delay_moov+default_base_moof+frag_every_frame"
        self._film = av.open(self._file, "w", format="mp4", options={"movflags": flags})
        self._stream = self._film.add_mux_stream("h264", RATE, width=SIZE[0], height=SIZE[1])

    def next(self, number: int) -> tuple[bytes, bytes]:
        shown = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
        left = 4 * number % (SIZE[0] - 20)
        shown[:, left : left + 20] = 230
        frame = av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * 3600, Fraction(1, 90_000)
        units = []
        for packet in self._codec.encode(frame):
            units.append(bytes(packet))
            packet.stream = self._stream
            self._film.mux(packet)
        film = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return b"".join(units), film


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", SIZE, (90, 120, 150)).save(file, "JPEG")
    return file.getvalue()


def part(picture: bytes) -> bytes:
    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"


@contextmanager
def running_door(name: str, address: str, port: int, files: IssuedFiles | None = None) -> Iterator[StandInDoor]:
    """A door that can be watched until the block ends; it believes nobody before it has keys."""
    taken = socket.create_server((address, port))
    door = StandInDoor(name, {}, address, port, files is not None)
    config = uvicorn.Config(
        door,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
        ssl_certfile=files.certificate if files else None,
        ssl_keyfile=files.key if files else None,
        ssl_ca_certs=str(files.authority) if files else None,
        ssl_cert_reqs=ssl.CERT_OPTIONAL if files else ssl.CERT_NONE,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([taken],), daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.should_exit = server.force_exit = True
        thread.join(LIMIT)
        taken.close()
