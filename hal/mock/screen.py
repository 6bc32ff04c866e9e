"""A fake display and a fake service port."""

from collections.abc import Callable

from hal.camera import Picture
from hal.display import Scene
from hal.mock.checks import check_facts, check_picture, check_usable
from hal.service_port import Facts

ACTIONS = (
    "answer", "decline", "unlock", "hangup", "mute", "dnd", "call", "guard", "emergency", "callback", "transfer",
    "history", "messages", "play", "delete", "monitor", "snapshot", "record",
)  # fmt: skip


class MockDisplay:
    """A screen as two lists; handles: `scenes`, `pictures` (the last 100), `scene`, `shown`."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.pictures: list[Picture] = []
        self._shown: Picture | None = None
        self._closed = False

    @property
    def scene(self) -> Scene | None:
        """The scene it shows now."""
        return self.scenes[-1] if self.scenes else None

    @property
    def shown(self) -> Picture | None:
        """The picture it shows now; None if there is none or the scene is not live."""
        return self._shown

    def show(self, scene: Scene) -> None:
        """Show these words. Raises ValueError for an action no screen has, HalError if closed."""
        check_usable("display", self._closed)
        unknown = [action for action in scene.actions if action not in ACTIONS]
        if unknown or not scene.title:
            raise ValueError(f"a scene has a title and actions of {', '.join(ACTIONS)}, not {scene}")
        self.scenes.append(scene)
        if not scene.live:
            self._shown = None

    def picture(self, picture: Picture) -> None:
        """Show this picture, if the scene is live. Raises ValueError for bytes that are no picture of that size."""
        check_usable("display", self._closed)
        self.pictures.append(check_picture(picture))
        del self.pictures[:-100]
        if self.scene is not None and self.scene.live:
            self._shown = picture

    def close(self) -> None:
        """Dark; twice does no harm."""
        self._closed = True
        self._shown = None


class MockServicePort:
    """A technician who writes down everything; handles: `published`, `ask`."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, object]]] = []
        """Event and facts, oldest first."""
        self._answers: dict[str, Callable[[], Facts]] = {}
        self._closed = False

    def ask(self, question: str) -> dict[str, object]:
        """The device's answer. Raises LookupError for a question that it does not answer."""
        return dict(self._answers[question]())

    def publish(self, event: str, facts: Facts) -> None:
        """Write `event` down. Raises ValueError for facts that JSON cannot carry, HalError if closed."""
        check_usable("service port", self._closed)
        check_facts(facts)
        self.published.append((event, dict(facts)))

    def provide(self, question: str, answer: Callable[[], Facts]) -> None:
        """Answer `question` from now on. Raises HalError if closed."""
        check_usable("service port", self._closed)
        self._answers[question] = answer

    def close(self) -> None:
        """Say no more; twice does no harm."""
        self._closed = True
        self._answers = {}
