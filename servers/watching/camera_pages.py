"""A camera as the same pages show it that show a door: live messages, a film without an end, the picture of now."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from servers.watching.door import Picture
from servers.watching.errors import SourceAway
from servers.watching.rtsp.receiving import Unit, received
from servers.watching.targets import Target

if TYPE_CHECKING:
    from hal.camera import Picture as Shown

FIRST_PICTURE = 10.0
"""Seconds; a camera has a key frame every few seconds."""
QUALITY = 85
CLOCK_RATE, USUAL_RATE = 90_000, 25


@asynccontextmanager
async def camera_messages(target: Target) -> AsyncIterator[AsyncIterator[bytes | str]]:
    """Each picture with its time stamp, as a door's WebSocket has them. Raises SourceAway."""
    async with received(target) as units:
        yield _messages(units)


async def _messages(units: AsyncIterator[Unit]) -> AsyncIterator[bytes | str]:
    async for unit in units:
        yield unit.taken_us.to_bytes(8, "big") + unit.data


@asynccontextmanager
async def camera_picture(target: Target, name: str) -> AsyncIterator[Picture]:
    """Raises SourceAway."""
    if name == "live.mjpeg":
        raise SourceAway(f"{target.title} is a camera: it has no row of JPEGs")
    async with received(target) as units:
        if name == "live.mp4":
            yield Picture("video/mp4", _film(target, units))
        else:
            yield Picture("image/jpeg", _one(target, units))


async def _film(target: Target, units: AsyncIterator[Unit]) -> AsyncIterator[bytes]:
    """Each picture as a fragment of its own, as soon as it is there."""
    from media.encoder import EncodedPicture
    from media.live_film import fragment, opening, sample

    began, last, number, begin = 0, 0, 0, b""
    async for unit in units:
        began = began or unit.taken_us
        time = (unit.taken_us - began) * 9 // 100
        picture = EncodedPicture(unit.data, time, unit.key_frame, 0.0)
        if not number:
            shown = await asyncio.to_thread(_decoded, target, unit)
            begin = opening(picture, shown.width, shown.height, USUAL_RATE)
        number += 1
        content, duration = sample(picture), time - last if time > last else CLOCK_RATE // USUAL_RATE
        yield begin + fragment(number, time, duration, unit.key_frame, len(content)) + content
        begin, last = b"", time


async def _one(target: Target, units: AsyncIterator[Unit]) -> AsyncIterator[bytes]:
    try:
        async with asyncio.timeout(FIRST_PICTURE):
            unit = await anext(units)
    except TimeoutError as error:
        raise SourceAway(f"{target.title} sends no picture") from error
    yield await asyncio.to_thread(_jpeg, target, unit)


def _jpeg(target: Target, unit: Unit) -> bytes:
    from media.frames import to_frame

    file = io.BytesIO()
    image = to_frame(_decoded(target, unit)).to_image()  # type: ignore[no-untyped-call]
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _decoded(target: Target, unit: Unit) -> "Shown":
    from media.decoder import H264Decoder
    from media.errors import MediaError

    decoder = H264Decoder()
    try:
        pictures = decoder.decode(unit.data, 0.0)
        if not pictures:
            raise SourceAway(f"{target.title} sends a picture that shows nothing")
        return pictures[0]
    except MediaError as error:
        raise SourceAway(f"{target.title} sends a picture that cannot be read") from error
    finally:
        decoder.close()
