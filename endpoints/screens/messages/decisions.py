"""Decisions about what visitors left: one more press shows the one before, a film plays until somebody presses."""

from dataclasses import replace

from endpoints.actions import Publish, StartTimer
from endpoints.screens.messages.actions import Consult, DeleteLeft, MarkRead, PlayFilm, PutAway, ShowLeft, StopFilm
from endpoints.screens.messages.events import FilmBegan, FilmOver, MailChanged, MailLost, NotDeleted
from endpoints.screens.messages.state import Left, Mailbox
from endpoints.screens.state import Phase, Station
from endpoints.screens.transitions import Actions, S, enter, say
from endpoints.sip.agent import Registered

OPEN = (Phase.MESSAGES, Phase.PLAYING)
"""Somebody looks at what visitors left."""
NOT_REACHABLE = "Not reachable"


# --- buttons --------------------------------------------------------------------------------------------------------


def look(state: S) -> tuple[S, Actions] | None:
    """The messages button: the newest first, with each press an older one; after the oldest it is over."""
    if state.in_call or "messages" not in state.rules.offers:
        return None
    box = state.mailbox
    if state.phase is not Phase.MESSAGES:
        return _show(state, box.first())
    older = box.next()
    return _show(state, older) if older else (enter(state, Phase.IDLE), ())


def _show(state: S, left: Left | None) -> tuple[S, Actions]:
    box = replace(state.mailbox, at=left.id if left else "", asked=False)
    after = enter(state, Phase.MESSAGES, mailbox=box, typed="", note="")
    again = (StartTimer(Phase.MESSAGES, state.rules.browse),) if state.phase is Phase.MESSAGES else ()
    if left is None:
        return after, again
    seen = (MarkRead(left.id),) if left.kind == "picture" and not left.read else ()
    told = Publish("message-shown", {"id": left.id, "kind": left.kind, "place": box.place})
    return after, (*again, ShowLeft(left), *seen, told)


def play(state: S) -> tuple[S, Actions] | None:
    """The play button, on a message."""
    left = state.mailbox.shown
    if state.phase is not Phase.MESSAGES or left is None or left.kind != "message":
        return None
    after = enter(state, Phase.PLAYING, mailbox=replace(state.mailbox, asked=False), note="")
    return after, (PlayFilm(left),)


def stop(state: S) -> tuple[S, Actions]:
    """Any button while a film plays."""
    return enter(state, Phase.MESSAGES), ()


def delete(state: S) -> tuple[S, Actions] | None:
    """The delete button: the first press asks, the second one does it."""
    box = state.mailbox
    if state.phase is not Phase.MESSAGES or box.shown is None:
        return None
    again = StartTimer(Phase.MESSAGES, state.rules.browse)
    if not box.reachable:
        after, actions = say(state, "Not reachable, nothing can be deleted now")
        return after, (again, *actions)
    if not box.asked:
        return replace(state, mailbox=replace(box, asked=True)), (again,)
    after, actions = say(replace(state, mailbox=replace(box, asked=False)), "Deleting")
    return after, (again, *actions, DeleteLeft(box.at))


def leave(state: S) -> tuple[S, Actions]:
    """The red button: not to be deleted after all; else it is over."""
    if state.mailbox.asked:
        return replace(state, mailbox=replace(state.mailbox, asked=False)), ()
    return enter(state, Phase.IDLE), ()


# --- the server and the film ----------------------------------------------------------------------------------------


def registered(state: Station, event: Registered) -> Actions:
    """The server where the device is registered is the one that has the home's messages, or passes them on."""
    return (Consult(event.server),) if "messages" in state.rules.offers else ()


def changed(state: S, event: MailChanged) -> tuple[S, Actions]:
    """A new list; what is shown stays shown, or gives way to its neighbour."""
    before = state.mailbox
    box = replace(before, items=event.items, new=event.new, reachable=True)
    after = replace(state, mailbox=box)
    facts = {"new": event.new, "count": len(event.items)}
    told = (Publish("messages", facts),) if _differs(before, box) else ()
    if state.phase not in OPEN or box.shown:
        return after, told
    following, actions = _show(after, _neighbour(before, box))
    return following, (*told, *actions)


def _differs(before: Mailbox, after: Mailbox) -> bool:
    return before.reachable is None or (before.new, len(before.items)) != (after.new, len(after.items))


def _neighbour(before: Mailbox, after: Mailbox) -> Left | None:
    """What stands now where the shown one stood; the newest if nothing was shown."""
    place = min(max(before.place - 1, 0), len(after.items) - 1)
    return after.items[place] if after.items else None


def lost(state: S, event: MailLost) -> tuple[S, Actions] | None:
    """The last list stays."""
    if state.mailbox.reachable is False:
        return None
    box = replace(state.mailbox, reachable=False, asked=False)
    return replace(state, mailbox=box), (Publish("messages-lost"),)


def not_deleted(state: S, event: NotDeleted) -> tuple[S, Actions] | None:
    """It is still there."""
    if state.phase is not Phase.MESSAGES:
        return None
    return say(state, "It could not be deleted")


def began(state: S, event: FilmBegan) -> tuple[S, Actions] | None:
    """From its first picture on a message counts as seen."""
    left = state.mailbox.shown
    if state.phase is not Phase.PLAYING or state.mailbox.at != event.id:
        return None
    seen = (MarkRead(event.id),) if left and not left.read else ()
    return state, (*seen, Publish("message-playing", {"id": event.id}))


def over(state: S, event: FilmOver) -> tuple[S, Actions] | None:
    """The film ended by itself."""
    if state.phase is not Phase.PLAYING or state.mailbox.at != event.id:
        return None
    told = Publish("message-played", {"id": event.id, "failed": event.failed})
    after, actions = say(enter(state, Phase.MESSAGES), NOT_REACHABLE) if event.failed else stop(state)
    return after, (told, *actions)


def took_too_long(state: S) -> tuple[S, Actions]:
    """A film that does not end, or a list that nobody looks at any more."""
    return (enter(state, Phase.MESSAGES), ()) if state.phase is Phase.PLAYING else (enter(state, Phase.IDLE), ())


def tidy(before: Station, after: S) -> tuple[S, Actions]:
    """What a phase that ends leaves behind: before anything else, so that a call has screen and loudspeaker at once."""
    if before.phase not in OPEN or after.phase is before.phase:
        return after, ()
    if after.phase in OPEN:
        return after, (StopFilm(),) if before.phase is Phase.PLAYING else ()
    return replace(after, note=""), (PutAway(),)
