"""What one client does with one camera: describe, set up, play; everything else is refused."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from servers.watching.errors import SourceAway
from servers.watching.rtsp.camera import Camera, status_of
from servers.watching.rtsp.client import Client, Place, Request
from servers.watching.rtsp.message import Message, RtspError
from servers.watching.rtsp.sdp import Description, described
from servers.watching.rtsp.transport import Channels, granted, wanted
from servers.watching.targets import Target

log = logging.getLogger(__name__)

PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN"
_TIMEOUT = re.compile(r"timeout=(\d{1,5})")
_PART = re.compile(r"url=([^;,]+)((?:;(?:seq|rtptime)=\d{1,10})*)")
_RANGE = re.compile(r"(npt|clock|smpte)=[0-9A-Za-z:.]*-[0-9A-Za-z:.]*")

Handler = Callable[[Request, Place], Awaitable[None]]


class Session:
    """Its requests go to the URLs that the camera's own description has, and to no others."""

    def __init__(self, target: Target, camera: Camera, client: Client) -> None:
        self._target, self._camera, self._client = target, camera, client
        self._description: Description | None = None
        self._channels: dict[int, Channels] = {}
        self._own, self._theirs = secrets.token_hex(8), ""
        """How the session is called towards the client, and by the camera; "" before a track was set up."""
        self.over = False
        self._handlers: dict[str, Handler] = {
            "OPTIONS": self._keep,
            "GET_PARAMETER": self._keep,
            "DESCRIBE": self._describe,
            "SETUP": self._set_up,
            "PLAY": self._play,
            "PAUSE": self._play,
            "TEARDOWN": self._tear_down,
        }

    async def obey(self, request: Request, place: Place) -> None:
        """One request, answered. Raises SourceAway, RtspError."""
        handler, named = self._handlers.get(request.method), request.message.header("Session").partition(";")[0]
        if handler is None:
            await self._client.answer(request, 405, [("Allow", PUBLIC)])
        elif named and (named.strip() != self._own or not self._theirs):
            await self._client.answer(request, 454)
        else:
            await handler(request, place)

    def leave(self) -> None:
        """Tell the camera that it is over."""
        if self._theirs and self._description and not self.over:
            self._camera.leave(self._description.whole, self._theirs)

    async def _keep(self, request: Request, place: Place) -> None:
        """Players ask these to stay alive, so the camera hears of it too."""
        if self._theirs and self._description:
            await self._camera.ask("OPTIONS", self._description.whole, [("Session", self._theirs)])
        await self._client.answer(request, 200, [("Public", PUBLIC), *self._session_header()])

    async def _describe(self, request: Request, place: Place) -> None:
        answer = await self._camera.ask("DESCRIBE", self._target.url, [("Accept", "application/sdp")])
        if not await self._granted(request, answer):
            return
        base = answer.header("Content-Base") or answer.header("Content-Location") or self._target.url
        self._description = described(answer.body, base)
        headers = [("Content-Base", f"{place.base}/"), ("Content-Type", "application/sdp")]
        await self._client.answer(request, 200, headers, self._description.text)

    async def _set_up(self, request: Request, place: Place) -> None:
        if self._description is None or self._set_up_already(place.track):
            return await self._client.answer(request, 455)
        if place.track is None and len(self._description.tracks) > 1:
            return await self._client.answer(request, 455)
        track = place.track or 0
        if track >= len(self._description.tracks):
            return await self._client.answer(request, 404)
        asked = wanted(request.message.header("Transport"), track, self._taken)
        if asked is None:
            return await self._client.answer(request, 461)
        session = [("Session", self._theirs)] if self._theirs else []
        headers = [("Transport", str(asked)), *session]
        answer = await self._camera.ask("SETUP", self._description.tracks[track], headers)
        if await self._granted(request, answer):
            await self._take(request, track, asked, answer)
        return None

    async def _take(self, request: Request, track: int, asked: Channels, answer: Message) -> None:
        channels = granted(answer.header("Transport"), asked)
        self._theirs = answer.header("Session").partition(";")[0].strip()
        if channels is None or not self._theirs or {channels.rtp, channels.rtcp} & set(self._taken):
            raise SourceAway(f"{self._target.title} sends its pictures in a way that is not served here")
        self._channels[track] = channels
        self._camera.expect(self._taken)
        self._client.expect({one.rtcp for one in self._channels.values()})
        timeout = _TIMEOUT.search(answer.header("Session"))
        session = ("Session", f"{self._own};timeout={timeout[1] if timeout else 60}")
        await self._client.answer(request, 200, [("Transport", str(channels)), session])

    async def _play(self, request: Request, place: Place) -> None:
        if self._description is None or not self._theirs:
            return await self._client.answer(request, 455)
        url = self._description.whole if place.track is None else self._track(place.track)
        answer = await self._camera.ask(request.method, url, [("Session", self._theirs)])
        if await self._granted(request, answer):
            headers = [*self._session_header(), *self._times(place.base, answer)]
            await self._client.answer(request, 200, headers)
        return None

    async def _tear_down(self, request: Request, place: Place) -> None:
        self.leave()
        self.over = True
        await self._client.answer(request, 200)

    async def _granted(self, request: Request, answer: Message) -> bool:
        """Whether the camera does it; a client is told that it does not, and no more."""
        status = status_of(answer)
        if status == 200:
            return True
        log.info("%s refuses %s with %d", self._target.title, request.method, status)
        await self._client.answer(request, status if status in (404, 453, 461) else 502)
        return False

    def _track(self, number: int) -> str:
        if self._description is None or number >= len(self._description.tracks):
            raise RtspError("a track that is not there")
        return self._description.tracks[number]

    def _set_up_already(self, track: int | None) -> bool:
        return (track or 0) in self._channels

    @property
    def _taken(self) -> set[int]:
        return {number for one in self._channels.values() for number in (one.rtp, one.rtcp)}

    def _session_header(self) -> list[tuple[str, str]]:
        return [("Session", self._own)] if self._theirs else []

    def _times(self, base: str, answer: Message) -> list[tuple[str, str]]:
        """Where the pictures begin (RFC 2326, 12.33), with the URLs that the client knows."""
        told: list[tuple[str, str]] = []
        if _RANGE.fullmatch(answer.header("Range")):
            told.append(("Range", answer.header("Range")))
        tracks = self._description.tracks if self._description else ()
        parts = [
            f"url={base}/track{tracks.index(url)}{rest}"
            for url, rest in _PART.findall(answer.header("RTP-Info"))
            if url in tracks
        ]
        return [*told, ("RTP-Info", ",".join(parts))] if parts else told
