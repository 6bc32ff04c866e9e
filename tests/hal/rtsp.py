"""A network camera for tests: RTSP (RFC 2326) with H.264 over the same connection, for one viewer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av
import numpy as np

_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=framerate:25\r\na=fmtp:96 packetization-mode=1\r\n"
    "a=control:track1\r\n"
)
_ANSWERS = {
    "DESCRIBE": ("Content-Type: application/sdp\r\n", _SDP),
    "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
    "PLAY": ("Session: 1\r\n", ""),
}


class RtspCamera:
    """Shows an even grey of `luma` at 25 frames a second until it is unplugged."""

    def __init__(self, luma: int) -> None:
        self._luma = luma
        self._unplugged = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/live"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """End the stream and the server; twice does no harm."""
        if self._unplugged.is_set():
            return
        self._unplugged.set()
        with socket.socket() as knock:
            knock.connect_ex(self._listener.getsockname())
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        viewer, _ = self._listener.accept()
        with viewer, viewer.makefile("rb") as requests:
            while line := requests.readline():
                method = line.split()[0].decode()
                while (header := requests.readline()).strip():
                    if header.lower().startswith(b"cseq:"):
                        number = header.split(b":")[1].strip().decode()
                headers, body = _ANSWERS.get(method, ("Public: DESCRIBE, SETUP, PLAY\r\n", ""))
                length = f"Content-Length: {len(body)}\r\n" if body else ""
                viewer.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{headers}{length}\r\n{body}".encode())
                if method == "PLAY":
                    self._play(viewer)
                    return

    def _play(self, viewer: socket.socket) -> None:
        try:
            for packet in self._packets():
                viewer.sendall(b"$" + bytes([0]) + len(packet).to_bytes(2, "big") + packet)
        except OSError:
            return  # the viewer has left

    def _packets(self) -> Iterator[bytes]:
        sent: list[bytes] = []
        with av.open(_Writer(sent), "w", format="rtp", options={"payload_type": "96"}) as container:
            stream = container.add_stream("libx264", rate=25, options={"tune": "zerolatency", "g": "5"})
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.full((64, 96), self._luma, np.uint8), "gray").reformat(
                format="yuv420p"
            )
            while not self._unplugged.wait(0.04):
                frame.pts = None
                container.mux(stream.encode(frame))
                yield from (packet for packet in sent if packet[1] & 0x7F == 96)
                sent.clear()


class _Writer:
    """Collects one packet per write."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent

    def write(self, data: bytes) -> int:
        self._sent.append(bytes(data))
        return len(data)


@contextmanager
def rtsp_camera(luma: int) -> Iterator[RtspCamera]:
    """A camera that is unplugged at the end of the block, if not before."""
    camera = RtspCamera(luma)
    try:
        yield camera
    finally:
        camera.unplug()
