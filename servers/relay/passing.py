"""Passing one request on to a server below, and its answer back: piece by piece, as long as both ends are there."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus

import httpcore
from starlette.requests import ClientDisconnect, Request

from servers.http.connection import Receive, Scope, Send, gone
from servers.http.identity import CALLER, Identity, said_of
from servers.relay.below import AllInUse, Below, Line, NotConnected
from servers.relay.paths import Headers, downwards, upgrade_of, upwards
from servers.relay.streams import WINDOW, Stream

log = logging.getLogger(__name__)

HEAD_SECONDS = 30.0
"""Until the server below begins to answer."""
WEB_SOCKET = b"websocket"
_REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")
"""Asking twice is like asking once (RFC 9110 9.2.2)."""
_AGAIN_SECONDS = "10"
_TRIES = 3


async def pass_on(below: Below, name: str, caller: Identity, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask the server of this name on behalf of `caller`, who has been let in."""
    try:
        body = await Request(scope, receive).body()
        line, response = await _answered(below, name, _request(scope, caller, body))
    except ClientDisconnect:
        return await _refuse(send, 400, "The request was cut")
    except NotConnected:
        return await _refuse(send, 503, "This home is not connected now")
    except AllInUse:
        return await _refuse(send, 503, "This home answers others now")
    except httpcore.TimeoutException:
        return await _refuse(send, 504, "This home does not answer")
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        log.info("%s gave no answer: %s", name, error or type(error).__name__)
        return await _refuse(send, 502, "This home gave no answer")
    try:
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            await _join(scope, response)
        else:
            await _while_there(receive, _tell(response, send))
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        log.info("%s broke off: %s", name, error or type(error).__name__)
    finally:
        await response.aclose()
        below.give_back(name, line)


def _request(scope: Scope, caller: Identity, body: bytes) -> httpcore.Request:
    target: bytes = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers: Headers = [(b"host", b"home"), (CALLER, said_of(caller)), *downwards(scope["headers"])]
    if upgrade_of(scope["headers"]) == WEB_SOCKET:
        headers += [(b"connection", b"upgrade"), (b"upgrade", WEB_SOCKET)]
    elif body:
        headers = [one for one in headers if one[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(body)))
    url = httpcore.URL(scheme=b"http", host=b"home", port=80, target=target)
    return httpcore.Request(
        scope["method"], url, headers=headers, content=body, extensions={"timeout": {"write": HEAD_SECONDS}}
    )


async def _answered(below: Below, name: str, request: httpcore.Request) -> tuple[Line, httpcore.Response]:
    """The first part of the answer. A connection that was idle may have ended while the question came."""
    for tries_left in reversed(range(_TRIES)):
        line = await below.take(name)
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                return line, await line.http.handle_async_request(request)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            if not tries_left or request.method.decode() not in _REPEATABLE:
                raise
        finally:
            if line.http.is_closed():
                below.give_back(name, line)
    raise NotConnected(name)  # no try is left


async def _tell(response: httpcore.Response, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": upwards(response.headers)})
    async for piece in response.aiter_stream():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _while_there(receive: Receive, work: Coroutine[None, None, None]) -> None:
    """Do it as long as the one who asked is there."""
    doing, left = asyncio.ensure_future(work), asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait((doing, left), return_when=asyncio.FIRST_COMPLETED)
    finally:
        left.cancel()
        doing.cancel()
        await asyncio.gather(doing, left, return_exceptions=True)
    if not doing.cancelled():
        doing.result()


async def _join(scope: Scope, response: httpcore.Response) -> None:
    """A WebSocket: bytes go both ways from now on, whatever they say, until either end ends."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head += b"".join(b"%s: %s\r\n" % one for one in upwards(response.headers)) + b"\r\n"
    outer, inner = Stream(), response.extensions["network_stream"]
    try:
        scope["switch"](head, outer)
    except ConnectionError:
        return  # the phone has just gone
    ways = [asyncio.ensure_future(_carry(*way)) for way in ((outer.read, inner.write), (inner.read, outer.write))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        outer.close()


async def _carry(read: Callable[[int], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]]) -> None:
    with suppress(OSError, httpcore.NetworkError):  # as good an end as any
        while data := await read(WINDOW):
            await write(data)


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"application/json")]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        headers.append((b"retry-after", _AGAIN_SECONDS.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": sentence}).encode()})
