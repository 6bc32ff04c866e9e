"""One visit played on a running simulator, and the moments of it in milliseconds of the monotonic clock."""

from dataclasses import dataclass

from sim.bench.process import CpuShare
from sim.client import Community, DeviceClient

FLAT = "301"
DOOR = "door1"
LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Rung:
    """A visit up to the pictures on all screens."""

    pressed: float
    invited: float
    ringing: dict[str, float]
    pictured: dict[str, float]

    @property
    def all_ringing(self) -> float:
        """From the key press until the last screen rang, ms."""
        return max(self.ringing.values()) - self.pressed

    @property
    def all_pictured(self) -> float:
        """From the key press until the last screen had decoded a picture, ms."""
        return max(self.pictured.values()) - self.pressed


@dataclass(frozen=True, slots=True)
class Taken:
    """How an answer went, ms since the button was pressed."""

    two_way_audio: float
    losers_silent: float


def process_of(device: DeviceClient) -> int:
    """The number of the process that runs the device now."""
    running = [event for event in device.events() if event.event == "process"]
    return int(running[-1].facts["process"])


def forget(community: Community) -> None:
    """What happened before is not looked at again."""
    for device in community.devices.values():
        device.forget()


def ring(community: Community, keys: str = f"{FLAT}#") -> Rung:
    """The visitor dials; back when every screen shows the picture."""
    door = community[DOOR]
    forget(community)
    door.type(keys)
    pressed = door.wait_for("key", LIMIT, key="#").ms
    invited = door.wait_for("calling", LIMIT).ms
    ringing, pictured = {}, {}
    for screen in community.screens:
        rings, shows = screen.wait_for_all("ringing", "first-picture", limit=LIMIT)
        ringing[screen.name], pictured[screen.name] = rings.ms, shows.ms
    return Rung(pressed, invited, ringing, pictured)


def answer(community: Community, winner: str) -> Taken:
    """Somebody answers; back when both hear each other and the others are silent."""
    screen, door = community[winner], community[DOOR]
    screen.press("answer")
    pressed = screen.wait_for("button", LIMIT, button="answer").ms
    both = [device.wait_for("audio-started", LIMIT).ms for device in (screen, door)]
    losers = [other.wait_for("ended", LIMIT).ms for other in community.screens if other is not screen]
    return Taken(max(both) - pressed, max(losers, default=pressed) - pressed)


def unlock(community: Community, winner: str) -> float:
    """The winner opens the door; ms from the button until the relay is on."""
    screen = community[winner]
    screen.press("unlock")
    pressed = screen.wait_for("button", LIMIT, button="unlock").ms
    return community[DOOR].wait_for("lock", LIMIT, unlocked=True).ms - pressed


def hang_up(community: Community, winner: str) -> None:
    """The winner ends the call; back when the door is ready for the next visitor."""
    community[winner].press("hangup")
    community[winner].wait_for("ended", LIMIT)
    _until_idle(community)


def give_up(community: Community) -> None:
    """The visitor goes away while it rings; back when no screen rings any more."""
    community[DOOR].type("*")
    for screen in community.screens:
        screen.wait_for("ended", LIMIT)
    _until_idle(community)


def _until_idle(community: Community) -> None:
    community[DOOR].wait_for("ended", LIMIT)


def cpu_while_watched(community: Community, seconds: float) -> CpuShare:
    """The door's CPU from now on; read it after `seconds` of an undisturbed visit."""
    share = CpuShare(process_of(community[DOOR]))
    community[DOOR].events(10**9, seconds)  # a wait that nothing ends early
    return share
