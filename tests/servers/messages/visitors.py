"""What visitors leave, made for tests, and the door's own client to hand it in."""

import base64
import hashlib
import io
import random
import ssl
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO

import av
import numpy as np
from PIL import Image

from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.keeping.tus import TusClient, Upload
from servers.messages.label import Label, label_of

TOKEN = "deposit-of-this-home-0123456789"
SESSION = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Left:
    """An item as a door has it."""

    content: bytes
    event: str = ""
    flat: str = "301"
    session_id: str = SESSION
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    lost: int = 0

    @property
    def facts(self) -> dict[str, str]:
        """What the door tells of it."""
        facts = {"id": self.id, "flat": self.flat, "session_id": self.session_id, "duration_ms": "0"}
        facts |= {"started": self.started.isoformat(), "size": str(len(self.content))}
        facts |= {"sha256": hashlib.sha256(self.content).hexdigest()}
        facts |= {"lost": str(self.lost)} if self.lost else {}
        return facts | ({"event": self.event, "filetype": "image/jpeg"} if self.event else {"filetype": "video/mp4"})

    @property
    def metadata(self) -> str:
        return ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in self.facts.items())

    @property
    def label(self) -> Label:
        return label_of(self.metadata, len(self.content))

    def hand_in(self, url: str, token: str = TOKEN, context: ssl.SSLContext | None = None) -> None:
        """By the door station's client; whole and checked when this returns."""
        client = TusClient(Deposit(url, token), context)
        try:
            client.upload(Upload(len(self.content), self.facts), BytesIO(self.content), lambda sent: 128_000)
        finally:
            client.close()


def noise(size: int = 1000) -> Left:
    """A message that is no film."""
    return Left(random.randbytes(size))


def picture(event: str = "ring", size: tuple[int, int] = (640, 480)) -> Left:
    """A grey picture of who rang."""
    file = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(file, "JPEG")
    return Left(file.getvalue(), event)


def film(seconds: float = 0.4) -> Left:
    """A small film as a door makes one."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as made:
        stream = made.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(int(10 * seconds)):
            shown = np.full((240, 320, 3), 20 * number, np.uint8)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        made.mux(stream.encode())
    return Left(file.getvalue())
