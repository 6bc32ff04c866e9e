"""The words of a screen that watches."""

from endpoints.screens.state import Station
from hal.display import Scene


def watching_scene(state: Station) -> Scene:
    """A live picture, who else watches, and how late it is; or why there is none."""
    watching = state.watching
    shown = watching.shown
    if shown is None:
        return Scene("Monitor", watching.why or "Asking", ("hangup",))
    count = len(watching.sources or ())
    place = f"{watching.place} of {count}" if count > 1 else ""
    if not watching.live:
        return Scene(
            shown.words, _joined(watching.why or "Connecting", place), ("monitor", "hangup"), live=not watching.why
        )
    viewers = f"{watching.viewers} watching" if watching.viewers else ""
    late = f"{watching.late_ms / 1000:.1f} s behind" if watching.viewers or watching.late_ms else ""
    return Scene(shown.words, _joined(viewers, late, place), ("monitor", "hangup"), live=True)


def _joined(*words: str) -> str:
    return ", ".join(word for word in words if word)
