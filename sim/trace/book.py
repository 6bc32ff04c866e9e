"""Which messages belong together: one entry per visit, with every hop once, whoever saw it."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.trace.hep import Address, Captured
from sim.trace.message import SipMessage, read

KEPT = 200
"""Visits that are kept."""
LONGEST = 2000
"""Messages of a visit that are kept."""
BESIDE = frozenset({"REGISTER", "OPTIONS", "PUBLISH", "SUBSCRIBE", "NOTIFY"})
"""Requests that belong to no call."""


ANY_PORT = 0
FINAL = frozenset(range(200, 700)) - {401, 407}
"""Answers that end a call or begin a talk; a challenge does neither."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A server that captures."""

    name: str
    ports: frozenset[int] = frozenset()
    """Where it listens, so that its own messages are known."""


@dataclass(slots=True)
class Hop:
    """One message from one party to the next."""

    ms: float
    """Milliseconds of the machine's monotonic clock."""
    sender: str
    receiver: str
    message: SipMessage
    times: int = 1
    """How often it was sent."""
    seen_by: set[tuple[int, bool]] = field(default_factory=set)
    """Servers that captured it, and whether on its way out."""

    def facts(self) -> dict[str, object]:
        """For JSON."""
        message = self.message
        return {
            "ms": self.ms,
            "from": self.sender,
            "to": self.receiver,
            "label": message.label,
            "method": message.method,
            "status": message.status or None,
            "target": message.target,
            "why": message.why,
            "call_id": message.call_id,
            "times": self.times,
            "text": message.text,
        }


@dataclass(slots=True)
class Visit:
    """A call with all its stages."""

    session: str
    caller: str
    called: str
    hops: list[Hop] = field(default_factory=list)
    outcome: str = ""
    """The final answer that its caller got last."""

    def parties(self) -> list[str]:
        """In the order in which they came into it."""
        ordered = sorted(self.hops, key=lambda hop: hop.ms)
        return list(dict.fromkeys(name for hop in ordered for name in (hop.sender, hop.receiver)))

    def facts(self) -> dict[str, object]:
        """For JSON, without the messages."""
        began = min((hop.ms for hop in self.hops), default=0.0)
        return {
            "session": self.session,
            "caller": self.caller,
            "called": self.called,
            "ms": began,
            "messages": len(self.hops),
            "outcome": self.outcome,
        }


class Book:
    """Grows message by message."""

    def __init__(self) -> None:
        self._agents: Mapping[int, Agent] = {}
        self._names: Mapping[Address, str] = {}
        self._offset = time.time() - time.monotonic()
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._sessions: dict[str, str] = {}
        """Call-ID -> session of its visit."""
        self._hops: dict[tuple[str, ...], Hop] = {}
        self.listeners: list[Callable[[Visit], None]] = []
        """Called with each visit that has news."""

    def know(self, agents: Mapping[int, Agent], names: Mapping[Address, str]) -> None:
        """The servers by their numbers, and whoever has an address; `ANY_PORT` stands for all ports of one."""
        self._agents, self._names = agents, names

    def visits(self) -> list[Visit]:
        """The newest last."""
        return list(self._visits.values())

    def visit(self, session: str) -> Visit | None:
        """The visit of that session; a beginning of it is enough where it is the only one."""
        found = [visit for key, visit in self._visits.items() if key.startswith(session)]
        return found[0] if len(found) == 1 else self._visits.get(session)

    def add(self, captured: Captured) -> None:
        """Take one captured message. Raises ValueError if it is no SIP message."""
        message = read(captured.payload)
        if message.method in BESIDE:
            return
        visit = self._visit_of(message)
        if visit is None or len(visit.hops) >= LONGEST:
            return
        self._note(visit, captured, message)
        for listener in list(self.listeners):
            listener(visit)

    def _visit_of(self, message: SipMessage) -> Visit | None:
        session = self._sessions.get(message.call_id)
        if session is None:
            if message.method != "INVITE" or message.status:
                return None
            session = message.session or message.call_id
            self._sessions[message.call_id] = session
        if session not in self._visits:
            called = message.target.partition(":")[2].partition("@")[0]
            self._visits[session] = Visit(session, message.from_user, called)
            while len(self._visits) > KEPT:
                self._forget(self._visits.popitem(last=False)[1])
        return self._visits.get(session)

    def _forget(self, visit: Visit) -> None:
        for hop in visit.hops:
            self._hops.pop(hop.message.key, None)
            self._sessions.pop(hop.message.call_id, None)

    def _note(self, visit: Visit, captured: Captured, message: SipMessage) -> None:
        known = self._agents.get(captured.agent, Agent(f"server {captured.agent}"))
        agent, out, ms = known.name, captured.source[1] in known.ports, 1000 * (captured.time - self._offset)
        sender = agent if out else self._name(captured.source)
        receiver = self._name(captured.destination) if out else agent
        hop = self._hops.get(message.key)
        if hop is None:
            hop = Hop(ms, sender, receiver, message)
            self._hops[message.key] = hop
            visit.hops.append(hop)
        elif (captured.agent, out) in hop.seen_by:
            hop.times += 1
        else:  # the other end of the same hop: each server knows its own name best
            hop.sender, hop.receiver = (agent, hop.receiver) if out else (hop.sender, agent)
            hop.ms = min(hop.ms, ms)
        hop.seen_by.add((captured.agent, out))
        if hop.receiver == visit.hops[0].sender and message.method == "INVITE" and message.status in FINAL:
            visit.outcome = f"{message.status} {message.reason}"

    def _name(self, address: Address) -> str:
        return self._names.get(address) or self._names.get((address[0], ANY_PORT)) or f"{address[0]}:{address[1]}"
