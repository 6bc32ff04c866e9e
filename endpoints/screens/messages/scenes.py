"""The words of a screen that shows what visitors left."""

from endpoints.screens.messages.decisions import NOT_REACHABLE
from endpoints.screens.messages.state import Left
from endpoints.screens.state import Station
from hal.display import Scene

_EVENTS = {
    "ring": "Somebody rang",
    "answer": "A call was answered",
    "unlock": "The door was opened",
    "wrong-code": "Wrong codes at the door",
    "tamper": "Somebody tampered with the door station",
}


def list_scene(state: Station) -> Scene:
    """One of the list, or why there is none."""
    box = state.mailbox
    left = box.shown
    away = NOT_REACHABLE if box.reachable is False else ""
    if left is None:
        waits = "Asking" if box.reachable is None else "Nothing was left"
        return Scene("Messages", away or waits, ("hangup",))
    if box.asked:
        return Scene("Delete this for the whole home?", title_of(left), ("delete", "hangup"), live=True)
    note = state.note or away
    new = "New" if not left.read else ""
    may = tuple(offer for offer in ("play", "delete") if offer in state.rules.offers)
    actions = tuple(one for one in may if one != "play" or left.kind == "message")
    words = ", ".join(word for word in (note, new, _details(state, left)) if word)
    return Scene(title_of(left), words, (*actions, "messages", "hangup"), live=True)


def playing_scene(state: Station) -> Scene:
    """A film; any button stops it."""
    left = state.mailbox.shown
    return Scene(title_of(left), _details(state, left) if left else "", ("hangup",), live=True)


def title_of(left: Left | None) -> str:
    """What it is."""
    if left is None or left.kind == "message":
        return "A message"
    return _EVENTS.get(left.event, "A picture")


def _details(state: Station, left: Left) -> str:
    """How long, when, which of how many."""
    seconds = f"{left.duration_ms / 1000:.0f} s, " if left.duration_ms else ""
    place = f"{state.mailbox.place} of {len(state.mailbox.items)}"
    return f"{seconds}{left.started.astimezone():%d %b %H:%M}, {place}"


def new_words(state: Station) -> str:
    """For the idle screen."""
    count = state.mailbox.new
    return "" if not count else "1 new message" if count == 1 else f"{count} new messages"
