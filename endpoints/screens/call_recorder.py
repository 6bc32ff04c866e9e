"""What becomes of each call of a device with a screen: an entry of its own log, and a record for its server."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from endpoints.screens.actions import NoteCall
from endpoints.screens.call_log import CallLog, LoggedCall
from endpoints.screens.state import Outcome, Phase, Station
from endpoints.sip.message import new_session_id
from hal.camera import Picture

Record = dict[str, object]
Keep = Callable[[str, str, Record], None]
"""Takes the name of the server where the call was made, "" of the only one, the record's id, and the record."""

_WHY = {
    Outcome.MISSED: "nobody answered",
    Outcome.ELSEWHERE: "answered-elsewhere",
    Outcome.DECLINED: "declined",
}
"""Of a call that came; another outcome is told by its own name."""
_RESULTS = {
    Outcome.REFUSED: "declined",
    Outcome.CANCELLED: "cancelled",
    Outcome.PREEMPTED: "cancelled",
    Outcome.BUSY: "no-answer",
    Outcome.NO_ANSWER: "no-answer",
}
"""Of our own call, in the servers' words; other outcomes are "failed", unless somebody answered."""


class CallRecorder:
    """Listens to what the app tells the service port."""

    def __init__(
        self,
        device: str,
        calls: CallLog,
        keep: Keep,
        hurry: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`hurry` is called when the server is back."""
        self._device, self._calls, self._keep, self._hurry, self._now = device, calls, keep, hurry, now
        self._call: LoggedCall | None = None

    def note(
        self, event: str, facts: Mapping[str, object], state: Station, first: Callable[[], Picture | None]
    ) -> None:
        """Something happened, after which the app is in `state`; `first` gives the first picture of the call."""
        match event:
            case "ringing" if "waiting" not in facts:
                first()
                self._begin(state, outgoing=False)
            case "state" if facts["new"] == Phase.CALLING and self._call is None:
                first()
                self._begin(state, outgoing=True)
            case "missed-seen":
                self._calls.look()
            case "registered":
                self._hurry()
            case _ if self._call is not None:
                self._go_on(self._call, event, facts, state, first)

    def refused(self, note: NoteCall) -> None:
        """A call that never was the present one of this device: refused, or an emergency beside a talk."""
        missed = note.how not in ("declined", "answered-elsewhere")
        self._calls.add(
            LoggedCall(
                time=self._time(), caller=note.caller, address=note.address, why=note.how, emergency=note.emergency,
                session_id=note.session_id, seen=not missed,
            )
        )  # fmt: skip

    def _begin(self, state: Station, outgoing: bool) -> None:
        address = state.dialled if outgoing else state.address
        self._call = LoggedCall(
            time=self._time(), outgoing=outgoing, caller=state.caller, address=address, why="",
            emergency=state.emergency, session_id=state.session_id,
        )  # fmt: skip

    def _go_on(
        self,
        call: LoggedCall,
        event: str,
        facts: Mapping[str, object],
        state: Station,
        first: Callable[[], Picture | None],
    ) -> None:
        match event:
            case "calling":
                self._call = call.model_copy(update={"session_id": call.session_id or state.session_id})
            case "answered":
                by = str(facts.get("by", "")) or call.answered_by
                self._call = call.model_copy(update={"answered": call.answered or self._time(), "answered_by": by})
            case "unlock" if facts["granted"]:
                self._call = call.model_copy(update={"unlocks": call.unlocks + 1})
            case "ended":
                self._end(call, Outcome(str(facts["outcome"])), facts, state, first())

    def _end(
        self, call: LoggedCall, outcome: Outcome, facts: Mapping[str, object], state: Station, first: Picture | None
    ) -> None:
        self._call = None
        why = "answered" if call.answered else str(_WHY.get(outcome, outcome))
        seen = call.outgoing or outcome is not Outcome.MISSED
        over = call.model_copy(update={"why": why, "ended": self._time(), "seen": seen})
        self._calls.add(over, first)
        if over.outgoing:
            self._hand_in(over, outcome, facts, state)

    def _hand_in(self, call: LoggedCall, outcome: Outcome, facts: Mapping[str, object], state: Station) -> None:
        """Our own call, whether or not the server saw it: under the call's Session-ID both are one record."""
        session = call.session_id or new_session_id()
        record: Record = {
            "session_id": session,
            "called": call.address,
            "started": call.time,
            "answered": call.answered,
            "ended": call.ended,
            "answered_by": call.answered_by,
            "result": "answered" if call.answered else _RESULTS.get(outcome, "failed"),
            "code": facts["code"] or None,
            "unlocks": call.unlocks,
            "reason": str(outcome),
        }
        self._keep(state.registered_at, f"{session}-{self._device[:31]}", record)

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")
