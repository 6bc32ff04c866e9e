"""baresip without sound card and screen: a screen that shows early video, or a caller with a picture of its own.

Runs in a folder of its own on 127.0.0.1; what it decodes goes to its own fake display, what it says is in its log.
"""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from sim.community import free_port
from sim.peers.process import PeerError, PeerProcess
from sim.plan import ADDRESS

_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
net_interface {address}
call_local_timeout 120
call_max_calls 4
audio_player aubridge,nil
audio_source aubridge,nil
audio_alert aubridge,nil
{source}
video_display fakevideo,nil
video_size {width}x{height}
video_bitrate {bit_rate}
video_fps {rate}
rtp_ports {rtp}-{rtp_end}
rtcp_mux no
jitter_buffer_delay 5-10
module_path {modules}
module g711.so
module g722.so
module speex_pp.so
module aubridge.so
module avcodec.so
module avformat.so
module fakevideo.so
module srtp.so
module snapshot.so
module ctrl_tcp.so
module_app account.so
module_app menu.so
ctrl_tcp_listen {address}:{control}
avcodec_h264enc libx264
avcodec_h264dec h264
"""
CODECS = ";audio_codecs=G722;video_codecs=h264"
_MODULES = "/usr/lib/baresip/modules"
_READY, FIRST_FRAME = "baresip is ready", "video: receiving with resolution"


class Baresip:
    """One baresip process. Use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        account: str = "",
        picture: Path | None = None,
        size: tuple[int, int] = (640, 480),
        rate: int = 25,
        bit_rate: int = 1_000_000,
    ) -> None:
        """`account`: a line of its accounts file, {address} and {port} are its own; `picture`: a file that it sends."""
        self.address, self.port, self._control = ADDRESS, free_port(), free_port()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        default = (
            "<sip:screen@{address}:{port};transport=udp>;regint=0;answermode=early;audio_codecs=G722;video_codecs=h264"
        )
        (folder / "accounts").write_text((account or default).format(address=self.address, port=self.port) + "\n")
        (folder / "contacts").touch()
        rtp = free_port() & ~1
        values = {"width": size[0], "height": size[1], "rate": rate, "bit_rate": bit_rate, "rtp": rtp}
        source = f"video_source avformat,{picture}" if picture else ""
        (folder / "config").write_text(
            _CONFIG.format(
                address=self.address,
                port=self.port,
                control=self._control,
                modules=_MODULES,
                rtp_end=rtp + 40,
                source=source,
                **values,
            )
        )
        self._process: PeerProcess | None = None

    @property
    def log(self) -> PeerProcess:
        """What it says. Raises PeerError before the start."""
        if self._process is None:
            raise PeerError("baresip is not running")
        return self._process

    @property
    def process_id(self) -> int:
        """The running process's number. Raises PeerError."""
        return self.log.process.pid

    def __enter__(self) -> Self:
        """Start it. Raises PeerError, FileNotFoundError without the Debian packages baresip-core, baresip-ffmpeg."""
        command = ["stdbuf", "-oL", "baresip", "-v", "-f", str(self._folder.absolute())]
        self._process = PeerProcess(command, self._folder)
        try:
            self.log.wait_for(_READY)
        except PeerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def registered(self, limit: float = 20.0) -> None:
        """Wait until its registrar accepted it. Raises PeerError."""
        self.log.wait_for("200 OK", limit=limit)

    def dial(self, uri: str) -> None:
        """Call `uri`."""
        self.command("dial", uri)

    def accept(self) -> None:
        """Answer the call that rings."""
        self.command("accept")

    def hang_up(self) -> None:
        """End or refuse the current call."""
        self.command("hangup")

    def first_frame(self, after: int = 0, limit: float = 20.0) -> float:
        """When it had decoded its first frame (log lines from number `after` on). Raises PeerError."""
        return self.log.wait_for(FIRST_FRAME, after, limit).at

    def snapshot(self) -> Path:
        """A PNG of what it received last. Raises PeerError."""
        before = set(self._folder.glob("*.png"))
        self.command("snapshot")
        _until(lambda: bool(_new_and_whole(self._folder, before)), "baresip took no snapshot")
        return _new_and_whole(self._folder, before)[0]

    def command(self, name: str, parameters: str = "") -> None:
        """A command of its menu, over the control connection (netstring-framed JSON). Raises PeerError."""
        message = json.dumps({"command": name, "params": parameters, "token": "1"}).encode()
        with socket.create_connection((self.address, self._control), timeout=5) as connection:
            connection.sendall(b"%d:%b," % (len(message), message))
            _until(lambda: b'"response":true' in connection.recv(65536), f"baresip did not confirm {name}")


def _until(done: Callable[[], bool], complaint: str, limit: float = 5.0) -> None:
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            raise PeerError(complaint)


def _new_and_whole(folder: Path, before: set[Path]) -> list[Path]:
    """The PNG files that came since, and have their end."""
    return [path for path in sorted(set(folder.glob("*.png")) - before) if path.read_bytes()[-8:-4] == b"IEND"]
