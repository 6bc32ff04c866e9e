"""A network video recorder with cameras behind it: GStreamer's RTSP server, run by Debian's own Python, which has it.

Each camera shows a moving ball and the time of day. It is a program of its own: it imports nothing of this project.
Its login comes in the environment, where other users do not see it: NVR_USER, NVR_PASSWORD.
"""

import argparse
import os

import gi

for _name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(_name, "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  (versions come first)

LAUNCH = (
    "( videotestsrc is-live=true pattern={pattern} background-color={colour} "
    "! video/x-raw,width={width},height={height},framerate=25/1 "
    '! clockoverlay halignment=right time-format="%H:%M:%S" ! textoverlay text={title} valignment=top '
    "! x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbit} key-int-max={interval} "
    "! video/x-h264,profile=constrained-baseline ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
COLOURS = (0xFF204060, 0xFF603020, 0xFF206030, 0xFF503060)


def _factory(name: str, colour: int, wanted: argparse.Namespace, user: str) -> object:
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(
        LAUNCH.format(
            title=name,
            colour=colour,
            pattern=wanted.pattern,
            width=wanted.width,
            height=wanted.height,
            kbit=wanted.kbit,
            interval=wanted.interval,
        )
    )
    factory.set_shared(False)  # a shared one refuses whoever comes while the last one leaves
    if user:
        permissions = GstRtspServer.RTSPPermissions()
        for ability in ("access", "construct"):
            permissions.add_permission_for_role("viewer", f"media.factory.{ability}", True)
        factory.set_permissions(permissions)
    return factory


def _login(user: str, password: str, basic: bool) -> object:
    login, token = GstRtspServer.RTSPAuth.new(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if basic:
        login.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        login.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        login.add_digest(user, password, token)
    return login


def main() -> None:
    """Serve until SIGTERM; says ``nvr serves port N`` when it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cameras", nargs="+", metavar="NAME", help="of a camera, and path of its stream")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--kbit", type=int, default=1000, help="bit rate of each camera")
    parser.add_argument("--interval", type=int, default=12, help="pictures from one key frame to the next")
    parser.add_argument("--pattern", default="ball", help="of videotestsrc")
    parser.add_argument("--basic", action="store_true", help="Basic instead of Digest")
    wanted = parser.parse_args()
    user, password = os.environ.get("NVR_USER", ""), os.environ.get("NVR_PASSWORD", "")
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address(wanted.address)
    server.set_service(str(wanted.port))
    for number, name in enumerate(wanted.cameras):
        factory = _factory(name, COLOURS[number % len(COLOURS)], wanted, user)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if user:
        server.set_auth(_login(user, password, wanted.basic))
    if not server.attach(None):
        raise SystemExit(f"port {wanted.port} at {wanted.address} is taken")
    print(f"nvr serves port {server.get_bound_port()}", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
