"""What a console knows beyond any device with a screen: the queue, and an emergency that rings into a talk."""

from dataclasses import dataclass, field

from endpoints.management_console.wall.scenes import wall_scene
from endpoints.management_console.wall.state import Wall
from endpoints.screens.incoming import name_of
from endpoints.screens.scenes import joined, scene_of, tone_of
from endpoints.screens.state import Phase, Station
from endpoints.sip.agent import CallId, IncomingCall
from hal.display import Scene


@dataclass(frozen=True, slots=True)
class Console(Station):
    """The whole state of a management console.

    An emergency that comes while a guard talks to somebody else waits beside that talk, and sounds over it::

        waiting --answer--> the talk ends, the emergency is answered
        waiting --decline--> refused, another console may take it;  --caller or another guard--> gone
        waiting --the talk ends--> it rings as any other call
    """

    waiting: IncomingCall | None = None
    """The emergency that rings into the talk."""
    queue: int = 0
    """How many calls wait for a guard."""
    queued_emergencies: int = 0
    """How many of them are emergencies."""
    wall: Wall = field(default_factory=Wall)
    """Doors and cameras beside each other."""

    @property
    def subject(self) -> str:
        """Whose picture belongs on the screen now; the class is named, see `facts`."""
        return "the wall" if self.phase is Phase.WATCHING else Station.subject.__get__(self)

    @property
    def calls(self) -> tuple[CallId, ...]:
        """All calls that this device has at the agent."""
        waiting = self.waiting.call if self.waiting else ""
        return tuple(call for call in (self.call, self.before, waiting) if call)

    def facts(self) -> dict[str, object]:
        """As of any device with a screen; of an emergency that waits the caller."""
        # The class is named: in a dataclass with slots, super() without arguments finds no class.
        waiting = name_of(self.waiting, self.rules.people) if self.waiting else ""
        return {**Station.facts(self), "waiting": waiting, "wall": self.wall.facts()}


def console_tone(state: Station) -> str | None:
    """As any device with a screen; an emergency sounds over everything."""
    return "alarm" if isinstance(state, Console) and state.waiting else tone_of(state)


def console_scene(state: Station) -> Scene:
    """As any device with a screen; with the queue, and an emergency before everything."""
    if isinstance(state, Console) and state.phase is Phase.WATCHING:
        return wall_scene(state.wall, state.note, state.rules.offers)
    scene = scene_of(state)
    if not isinstance(state, Console):
        return scene
    if state.waiting:
        doing = f"You are talking to {state.caller}; answering ends that"
        return Scene(
            f"Emergency: {name_of(state.waiting, state.rules.people)}",
            doing,
            ("answer", "decline", "hangup"),
            state.live,
        )
    if state.phase in (Phase.IDLE, Phase.TALKING, Phase.ENDED):
        return Scene(scene.title, joined(scene.detail, _queue_words(state)), scene.actions, scene.live)
    return scene


def _queue_words(state: Console) -> str:
    if not state.queue:
        return ""
    urgent = f", {state.queued_emergencies} in an emergency" if state.queued_emergencies else ""
    return f"{state.queue} waiting{urgent}"
