"""Early media to four ringing screens of other people: our door beside Linphone, which serves them all too."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from servers.homelink.site import load_site
from servers.kamailio import accounts
from servers.kamailio.kinds import Kind
from sim.bench import visit
from sim.bench.figure import Figure, ratio
from sim.client import Community, simulator
from sim.community import free_port
from sim.errors import SimError
from sim.peers.baresip import Baresip
from sim.peers.linphone import Linphone, account_at

SCREENS = 4
CALLER = "linphone"
CALLS = 8
INVITED, PICTURE_COMES = "sipsess connect", "incoming rtp for 'video' established"


def against_linphone() -> Iterator[Figure]:
    """From the first INVITE at a screen until the picture has begun to come."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intercom-bench-")))
        running = stack.enter_context(simulator(folder, "--silent", "--screens", "0", "--plain-udp"))
        running["phone1"].fault("power-cut")
        screens = [Baresip(folder / f"screen{n}", running.guest_account(early=True)) for n in range(SCREENS)]
        for screen in screens:
            stack.enter_context(screen).registered()
        linphone = Linphone(folder, free_port(), free_port() & ~1, CALLER, _new_account(running, folder))
        stack.callback(linphone.close)
        home = f"sip:home@{running.facts['servers'][0]['realm']}"
        ours, theirs, decoded = [], [], []
        for _ in range(CALLS):
            lines = _lines(screens)
            ours.append(max(_arrivals(screens, lambda: running[visit.DOOR].type(f"{visit.FLAT}#"))))
            decoded.append(_last_frame(screens, lines))
            _end(screens, lambda: running[visit.DOOR].type("*"))
            theirs.append(min(_arrivals(screens, lambda: linphone.dial(home))))
            _end(screens, linphone.hang_up)
    note = (
        f"ours at the last screen, Linphone's at the first: its camera without hardware makes one picture a second, "
        f"for which the others wait; ours decoded on all {SCREENS} after {median(decoded):.0f} ms"
    )
    yield ratio(f"INVITE to picture on all of {SCREENS} baresips, ours / Linphone", ours, theirs, 0.5, "ms", note)


def _new_account(running: Community, folder: Path) -> str:
    """An account of its own for the caller, since nobody's call rings at his own account."""
    files = re.search(r"Files, logs: +(\S+)", (folder / "sim.log").read_text("utf-8"))
    if files is None:
        raise SimError("the simulator did not tell where its files are")
    made = accounts.add(load_site(Path(files[1]) / "homelink" / "site.toml"), CALLER, Kind.GUEST)
    server = running.facts["servers"][0]
    return account_at(f"sip:{server['host']}:{server['port']}", server["realm"], made.user, made.password)


def _lines(screens: list[Baresip]) -> list[int]:
    return [len(screen.log.lines) for screen in screens]


def _arrivals(screens: list[Baresip], call: Callable[[], None]) -> list[float]:
    """Milliseconds from the first INVITE until the picture began to come, for each screen."""
    lines = _lines(screens)
    call()
    came = [screen.log.wait_for(PICTURE_COMES, start).at for screen, start in zip(screens, lines, strict=True)]
    invited = [screen.log.wait_for(INVITED, start).at for screen, start in zip(screens, lines, strict=True)]
    return [(at - min(invited)) * 1000 for at in came]


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
