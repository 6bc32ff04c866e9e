"""A stand-in for the server that grants leases and for the doors behind it: by the contract, without a house."""

import asyncio
import itertools
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect

from endpoints.service import Service
from media.encoder import EncodedPicture
from tests.media.film import pictures

LIMIT = 60.0
CLOCK = 1_000_000.0
"""Seconds by which the doors' clock is ahead of ours."""
Json = dict[str, Any]


class Porter:
    """Handles: `watchables`, `given` (leases), `back`, `renewed`, `end(lease)`; `direct`: as to a guard."""

    def __init__(self, names: Sequence[str] = ("gate1", "gate2"), direct: bool = False) -> None:
        self.watchables = [{"name": name, "title": f"The {name}", "kind": "door"} for name in names]
        self.direct, self.refuses, self.away = direct, 0, False
        self.given: list[Json] = []
        self.back: list[str] = []
        self.renewed: list[str] = []
        self.said: list[str] = []
        """What watchers wrote to a door."""
        self.watching: list[str] = []
        """Leases whose pictures are on their way."""
        self._ended: set[str] = set()
        self._numbers = itertools.count(1)
        self.url = ""
        self.app = self._made()

    @property
    def service(self) -> Service:
        return Service(self.url, "indoor1", "secret")

    def end(self, lease: str) -> None:
        """The lease is over."""
        self._ended.add(lease)

    def _made(self) -> FastAPI:
        app = FastAPI()

        @app.get("/watchables")
        def watchables(request: Request) -> list[Json]:
            self._check(request.headers.get("authorization", ""), "Basic ")
            return self.watchables

        @app.post("/leases", status_code=201)
        def grant(request: Request, wish: Annotated[Json, Body()]) -> Json:
            self._check(request.headers.get("authorization", ""), "Basic ")
            if self.refuses:
                raise HTTPException(self.refuses)
            lease = self._lease(f"lease{next(self._numbers)}", wish["target"])
            self.given.append(lease)
            return lease

        @app.post("/leases/{identifier}/renew")
        def renew(identifier: str) -> Json:
            self.renewed.append(identifier)
            return self._lease(identifier, "gate1")

        @app.delete("/leases/{identifier}", status_code=204)
        def give_back(identifier: str) -> Response:
            self.back.append(identifier)
            return Response(status_code=204)

        @app.websocket("/leases/{identifier}/live")
        async def live(socket: WebSocket, identifier: str) -> None:
            self._check(socket.headers.get("authorization", ""), "Basic ")
            if self.away:
                raise HTTPException(502)
            await self._send(socket, identifier)

        @app.websocket("/door/{identifier}/live")
        async def door(socket: WebSocket, identifier: str) -> None:
            self._check(socket.headers.get("authorization", ""), f"Bearer token-{identifier}")
            await self._send(socket, identifier)

        return app

    def _check(self, given: str, wanted: str) -> None:
        if not given.startswith(wanted):
            raise HTTPException(401)

    def _lease(self, identifier: str, target: str) -> Json:
        direct = {"url": f"{self.url}/door/{identifier}", "token": f"token-{identifier}"} if self.direct else None
        paths = {"live": f"/leases/{identifier}/live"}
        return {"id": identifier, "target": target, "viewers": 2, "paths": paths, "rtsp": None, "direct": direct}

    async def _send(self, socket: WebSocket, lease: str) -> None:
        await socket.accept()
        self.watching.append(lease)
        hearing = asyncio.create_task(self._hear(socket))
        try:
            await socket.send_json({"viewers": len(self.watching)})
            for picture in itertools.cycle(pictures(50)):
                if lease in self._ended:
                    await socket.send_json({"end": "expired"})
                    await socket.close()
                    return
                await socket.send_bytes(message(picture))
                await asyncio.sleep(0.04)
        except (WebSocketDisconnect, RuntimeError):  # they left
            return
        finally:
            self.watching.remove(lease)
            hearing.cancel()

    async def _hear(self, socket: WebSocket) -> None:
        while True:
            self.said.append(await socket.receive_text())


def message(picture: EncodedPicture) -> bytes:
    """As it goes over a WebSocket, taken now."""
    return struct.pack(">Q", round((time.monotonic() + CLOCK) * 1e6)) + picture.data


@contextmanager
def at_work(porter: Porter) -> Iterator[Porter]:
    """Until the end of the block."""
    pictures(50)
    config = uvicorn.Config(porter.app, port=0, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="porter")
    thread.start()
    deadline = time.monotonic() + LIMIT
    while not server.started:
        assert time.monotonic() < deadline, "the porter does not come"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    porter.url = f"http://127.0.0.1:{port}"
    try:
        yield porter
    finally:
        server.should_exit = True
        thread.join(LIMIT)
