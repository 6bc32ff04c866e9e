"""Early media to four ringing screens of other people: our door beside Linphone, which serves them all too."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from sim.bench import visit
from sim.bench.community import community
from sim.bench.figure import Figure, ratio
from sim.client import Community
from sim.community import free_port
from sim.peers.baresip import Baresip
from sim.peers.linphone import Linphone, account_at

SCREENS = 4
CALLS = 8
INVITED, PICTURE_COMES = "sipsess connect", "incoming rtp for 'video' established"


def against_linphone() -> Iterator[Figure]:
    """From the first INVITE at a screen until the picture has begun to come to the last of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intercom-bench-")))
        running = stack.enter_context(community("--screens", "0", "--plain-udp"))
        running["phone1"].fault("power-cut")
        screens = [Baresip(folder / f"screen{n}", running.guest_account(early=True)) for n in range(SCREENS)]
        for screen in screens:
            stack.enter_context(screen).registered()
        linphone = Linphone(folder, free_port(), free_port() & ~1, "guest", _account(running))
        stack.callback(linphone.close)
        home = f"sip:home@{running.facts['servers'][0]['realm']}"
        ours, theirs, decoded = [], [], []
        for _ in range(CALLS):
            lines = _lines(screens)
            ours.append(_spread(screens, lambda: running[visit.DOOR].type(f"{visit.FLAT}#"), PICTURE_COMES))
            decoded.append(_last_frame(screens, lines))
            _end(screens, lambda: running[visit.DOOR].type("*"))
            theirs.append(_spread(screens, lambda: linphone.dial(home), PICTURE_COMES))
            _end(screens, linphone.hang_up)
    note = (
        f"arrival is compared, since Linphone's camera without hardware makes one picture a second; "
        f"ours decoded on all {SCREENS} after {median(decoded):.0f} ms"
    )
    yield ratio(f"INVITE to picture on all of {SCREENS} baresips, ours / Linphone", ours, theirs, 0.5, "ms", note)


def _account(running: Community) -> str:
    server, guest = running.facts["servers"][0], running.facts["guests"][0]
    return account_at(f"sip:{server['host']}:{server['port']}", server["realm"], guest["user"], guest["password"])


def _lines(screens: list[Baresip]) -> list[int]:
    return [len(screen.log.lines) for screen in screens]


def _spread(screens: list[Baresip], call: Callable[[], None], sign: str) -> float:
    """Milliseconds from the first INVITE until `sign` on the last screen."""
    lines = _lines(screens)
    call()
    seen = [screen.log.wait_for(sign, start).at for screen, start in zip(screens, lines, strict=True)]
    invited = [screen.log.wait_for(INVITED, start).at for screen, start in zip(screens, lines, strict=True)]
    return (max(seen) - min(invited)) * 1000


def _last_frame(screens: list[Baresip], lines: list[int]) -> float:
    """Milliseconds from the first INVITE until the last screen had decoded a frame."""
    shown = [screen.first_frame(start) for screen, start in zip(screens, lines, strict=True)]
    invited = [screen.log.wait_for(INVITED, start).at for screen, start in zip(screens, lines, strict=True)]
    return (max(shown) - min(invited)) * 1000


def _end(screens: list[Baresip], hang_up: Callable[[], None]) -> None:
    lines = _lines(screens)
    hang_up()
    for screen, start in zip(screens, lines, strict=True):
        screen.log.wait_for("audio: destroyed", start)
