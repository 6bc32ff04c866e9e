"""A camera as the same pages show it that show a door: live messages, and the picture of now."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from servers.watching.door import Picture
from servers.watching.errors import SourceAway
from servers.watching.rtsp.receiving import Unit, received
from servers.watching.targets import Target

FIRST_PICTURE = 10.0
"""Seconds; a camera has a key frame every few seconds."""
QUALITY = 85


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
    if name != "snapshot.jpg":
        raise SourceAway(f"{target.title} is a camera: it is watched by RTSP, or by the path that ends in /live")
    async with received(target) as units:
        yield Picture("image/jpeg", _one(target, units))


async def _one(target: Target, units: AsyncIterator[Unit]) -> AsyncIterator[bytes]:
    try:
        async with asyncio.timeout(FIRST_PICTURE):
            unit = await anext(units)
    except TimeoutError as error:
        raise SourceAway(f"{target.title} sends no picture") from error
    yield await asyncio.to_thread(_jpeg, target, unit)


def _jpeg(target: Target, unit: Unit) -> bytes:
    from media.decoder import H264Decoder
    from media.errors import MediaError
    from media.frames import to_frame

    decoder = H264Decoder()
    try:
        pictures = decoder.decode(unit.data, 0.0)
        if not pictures:
            raise SourceAway(f"{target.title} sends a picture that shows nothing")
        file = io.BytesIO()
        to_frame(pictures[0]).to_image().save(file, "JPEG", quality=QUALITY)  # type: ignore[no-untyped-call]
        return file.getvalue()
    except MediaError as error:
        raise SourceAway(f"{target.title} sends a picture that cannot be read") from error
    finally:
        decoder.close()
