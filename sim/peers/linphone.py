"""Linphone (Debian's linphonec) as a peer: a screen with early media, or a caller with a still picture."""

import os
import random
import shutil
import wave
from pathlib import Path

from sim.peers.process import PeerProcess

_CONFIG = """\
[sip]
{account}
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
use_ipv6=0
incoming_calls_early_media=1
contact="{user}" <sip:{user}@127.0.0.1:{port}>
[rtp]
audio_rtp_port={audio}
video_rtp_port={video}
[video]
enabled=1
capture=1
display=1
show_local=0
automatically_initiate=1
automatically_accept=1
size=vga
framerate=25
[video_codec_0]
mime=H264
rate=90000
enabled=1
"""
RATE = 25
"""Pictures per second of its camera without hardware, a still picture."""
_ACCOUNT = """\
default_proxy=0
[proxy_0]
reg_proxy=<{server}>
reg_route=<{server};lr>
reg_identity=sip:{user}@{realm}
reg_sendregister=0
[auth_info_0]
username={user}
passwd={password}
realm={realm}
[sip]
"""
PROGRAM = shutil.which("linphonec")
PLUGINS = Path("/usr/lib/x86_64-linux-gnu/mediastreamer/plugins")


def why_not() -> str:
    """Why Linphone with H.264 cannot run here, "" if it can."""
    if PROGRAM is None:
        return "the Debian package linphone-cli is not installed"
    if not any(PLUGINS.glob("*h264*")):
        return "the Debian package mediastreamer2-plugin-openh264 is not installed"
    return ""


class Linphone:
    """One linphonec; its console commands as methods."""

    def __init__(self, folder: Path, port: int, media_port: int, user: str = "screen", account: str = "") -> None:
        """`account`: what `account_at` gives, for calls through a server."""
        self.port = port
        self.user = user
        home = folder / f"linphone-{port}"
        (home / ".local/share/linphone").mkdir(parents=True)
        self._sound = home / "sound.wav"
        _write_noise(self._sound)
        config = home / "linphonerc"
        values = {"port": port, "user": user, "account": account}
        config.write_text(_CONFIG.format(audio=media_port, video=media_port + 2, **values))
        environment = {**os.environ, "HOME": str(home), "TERM": "dumb"}
        environment.pop("DISPLAY", None)
        command = ["linphonec", "-c", str(config), "-V", "-C", "-D", "-S"]
        self._process = PeerProcess(command, home, environment)
        # Sound from files, so that it sends some without a sound card.
        self.command("ipv6 disable")
        self.command("soundcard use files")
        self._process.wait_for("[Uu]sing .*files|linphonec>")
        self.command(f"staticpic fps {RATE}")

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:{self.user}@127.0.0.1:{self.port}"

    def command(self, text: str) -> None:
        """Type `text` on its console."""
        self._process.write(text + "\n")

    def dial(self, uri: str) -> None:
        """Call `uri`, with a spoken file as the microphone."""
        self.command(f"call {uri}")
        self.command(f"play {self._sound}")

    def accept(self) -> None:
        """Answer the call that rings."""
        self.command(f"play {self._sound}")
        self.command("answer")

    def hang_up(self) -> None:
        """End the current call."""
        self.command("terminate")

    def wait_for(self, words: str) -> None:
        """Wait until it says `words`."""
        self._process.wait_for(words)

    def close(self) -> None:
        """End it."""
        self._process.close()


def account_at(server: str, realm: str, user: str, password: str) -> str:
    """The part of its configuration that lets it call through `server` (a URI) with a password, unregistered."""
    return _ACCOUNT.format(server=server, realm=realm, user=user, password=password)


def _write_noise(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(random.Random(1).randbytes(8000 * 2 * 10))
