"""A small tus 1.0.0 server (core and creation) as a home's server is one, whose line a test can cut."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "deposit-of-301"


@dataclass
class Uploaded:
    """One upload, perhaps not yet whole."""

    metadata: dict[str, str]
    length: int
    data: bytearray = field(default_factory=bytearray)
    creations: int = 1


@dataclass
class TusServer:
    """What a test sees and decides."""

    url: str = ""
    uploads: dict[str, Uploaded] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    """Ids in the order in which they became whole."""
    received: int = 0
    """Bytes of files that arrived, also in pieces that were cut."""
    cuts: list[int] = field(default_factory=list)
    """The line is cut when so many bytes have arrived."""
    keeps_cut_pieces: bool = True
    status: int = 0
    """Answer everything with this."""
    takes: int = 1 << 30
    """Bytes that are taken of a piece, at most."""
    spoil: int = 0
    """So many uploads are found to be spoilt when they are whole."""
    guard: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def tus_server() -> Iterator[TusServer]:
    """A server on loopback, until the end of the block."""
    state = TusServer()

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: TusServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return

    def do_POST(self) -> None:
        state = self.server_state
        if self._refused():
            return
        pairs = (pair.split(" ") for pair in self.headers["Upload-Metadata"].split(","))
        metadata = {name: base64.b64decode(value).decode() for name, value in pairs}
        with state.guard:
            known = state.uploads.get(metadata["id"])
            if known:
                known.creations += 1
            else:
                state.uploads[metadata["id"]] = Uploaded(metadata, int(self.headers["Upload-Length"]))
        self._answer(201, {"Location": f"/uploads/{metadata['id']}"})

    def do_HEAD(self) -> None:
        upload = self._upload()
        if upload is not None:
            self._answer(200, {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)})

    def do_PATCH(self) -> None:
        state, upload = self.server_state, self._upload()
        if upload is None:
            return
        if int(self.headers["Upload-Offset"]) != len(upload.data):
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(409)
            return
        piece = self._read(int(self.headers["Content-Length"]))
        if piece is None:
            return
        with state.guard:
            upload.data += piece[: state.takes]
        self._answer(self._checked(upload), {"Upload-Offset": str(len(upload.data))})

    def _checked(self, upload: Uploaded) -> int:
        state = self.server_state
        if len(upload.data) < upload.length:
            return 204
        state.spoil, spoilt = max(0, state.spoil - 1), state.spoil > 0
        if spoilt or hashlib.sha256(upload.data).hexdigest() != upload.metadata["sha256"]:
            upload.data.clear()
            return 460
        state.finished.append(upload.metadata["id"])
        return 204

    def _read(self, length: int) -> bytes | None:
        """The piece; None if the line was cut in the middle of it."""
        state = self.server_state
        cut = state.cuts[0] - state.received if state.cuts else length
        if cut >= length:
            piece = self.rfile.read(length)
            state.received += len(piece)
            return piece
        state.cuts.pop(0)
        piece = self.rfile.read(max(0, cut))
        state.received += len(piece)
        upload = self._upload()
        if state.keeps_cut_pieces and upload is not None:
            upload.data += piece
        self.close_connection = True
        self.connection.close()
        return None

    def _upload(self) -> Uploaded | None:
        if self._refused():
            return None
        upload = self.server_state.uploads.get(self.path.removeprefix("/uploads/"))
        if upload is None:
            self._answer(404)
        return upload

    def _refused(self) -> bool:
        status = self.server_state.status
        if not status and self.headers["Authorization"] != f"Bearer {TOKEN}":
            status = 401
        if not status and self.headers["Tus-Resumable"] != "1.0.0":
            status = 412
        if status:
            self.close_connection = True
            self._answer(status)
        return bool(status)

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Tus-Resumable", "1.0.0")
        self.send_header("Content-Length", "0")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
