"""What a door station decides about messages (V5): offered, begun, ended, kept.

A message is offered when nobody answered in any stage: it rang and nobody came, all were busy, or nobody could be
reached, which is when it matters most. It is not offered when a person declined, for they saw the visitor and decided;
nor to a visitor who gave up; nor after a conversation; nor for the property management; nor where no server takes it.
Any key ends a message and keeps it: there is no key that throws it away.
"""

from dataclasses import replace

from endpoints.actions import Complain, Publish, Say, Tone
from endpoints.door_station.actions import EndMessage, Forget, RecordMessage
from endpoints.door_station.chain import Outcome
from endpoints.door_station.events import ItemLost, MessageKept, StoreChanged, WordsOver
from endpoints.door_station.state import Door, Phase
from endpoints.door_station.transitions import Step, enter

PHASES = frozenset({Phase.OFFERING, Phase.RECORDING})
LONGEST_WORDS = 20.0
"""Seconds after which a message begins though nobody told that the words are over."""
BEGIN, BUTTON = "#", "call"
"""The key that a visitor in a hurry begins with, and the name of the call button here."""


def words_over(state: Door, event: WordsOver) -> Step | None:
    """The visitor knows what to do."""
    return begin(state) if state.phase is Phase.OFFERING else None


def begin(state: Door) -> Step:
    """The message begins, with a beep."""
    told = Publish("message", {"flat": state.flat, "session_id": state.session_id})
    record = RecordMessage(state.flat, state.session_id)
    return enter(state, Phase.RECORDING), (record, Tone("record"), told)


def key(state: Door, key: str) -> Step | None:
    """A key, or the call button, while a message is offered or recorded."""
    if state.phase is Phase.RECORDING:
        return over(state, "a key was pressed")
    return begin(state) if key == BEGIN else leave(state)


def leave(state: Door) -> Step:
    """The visitor does not want to leave a message."""
    return enter(state, Phase.IDLE, deposits=False), (EndMessage(), Forget(), Tone(None), Publish("message-refused"))


def over(state: Door, why: str) -> Step | None:
    """The message ends and is kept; why it cannot even begin is told as well."""
    if state.phase not in PHASES:
        return None
    outcome = Outcome.MESSAGE_LEFT if state.phase is Phase.RECORDING else state.outcome
    told = Publish("message-over", {"why": why})
    return enter(state, Phase.IDLE, deposits=False, outcome=outcome), (EndMessage(), Forget(), Tone(None), told)


def kept(state: Door, event: MessageKept) -> Step:
    """The visitor hears what became of it, unless the next one is there already."""
    words = "message-left" if event.identifier else "message-failed"
    said = (Say((words,)),) if state.phase is Phase.IDLE else ()
    facts = {"flat": event.flat, "id": event.identifier, "seconds": event.seconds, "why": event.why}
    if event.identifier:
        return state, (Publish("message-kept", facts), *said)
    return state, (Publish("message-lost", facts), Complain(f"a message is lost: {event.why}"), *said)


def store_changed(state: Door, event: StoreChanged) -> Step:
    """The disk takes messages and pictures again, or no more."""
    facts = {"trouble": event.trouble, "why": event.why, "clock_set": event.clock_set}
    after = replace(state, keeps=not event.trouble, store_trouble=event.trouble, clock_set=event.clock_set)
    return after, (Publish("store", facts),)


def item_lost(state: Door, event: ItemLost) -> Step:
    """The home will never see it, and somebody has to know."""
    return state, (Publish("item-lost", {"flat": event.flat, "what": event.what, "started": event.started}),)
