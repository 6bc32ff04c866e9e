"""A real network video recorder for simulator and tests: GStreamer's RTSP server with some cameras (M3, M4)."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.peers.process import PeerProcess

PYTHON = "/usr/bin/python3"
"""Debian's, which sees GStreamer's libraries."""
_PROGRAM = Path(__file__).with_name("nvr_program.py")


def nvr_command(address: str, port: int, cameras: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """How it is started; it ends with us. Login: NVR_USER and NVR_PASSWORD in its environment."""
    places = ["--address", address, "--port", str(port)]
    return ["setpriv", "--pdeathsig", "TERM", "--", PYTHON, str(_PROGRAM), *places, *options, *cameras]


def nvr_here() -> bool:
    """Whether GStreamer's RTSP server is installed."""
    wanted = "import gi; gi.require_version('GstRtspServer', '1.0')"
    return subprocess.run([PYTHON, "-c", wanted], capture_output=True, check=False).returncode == 0


class Nvr(PeerProcess):
    """Serves when this is made. Raises PeerError."""

    def __init__(
        self,
        address: str,
        port: int,
        cameras: Sequence[str],
        login: tuple[str, str] = ("", ""),
        options: Sequence[str] = (),
    ) -> None:
        environment = {**os.environ, "NVR_USER": login[0], "NVR_PASSWORD": login[1]}
        super().__init__(nvr_command(address, port, cameras, options), environment=environment)
        try:
            self.wait_for("nvr serves port")
        except BaseException:
            self.close()
            raise
