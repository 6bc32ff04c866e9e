"""SIPp as a peer: one call written as a list of steps, with every message that it saw; or a file many times over."""

import csv
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.peers.process import LIMIT, PeerError, PeerProcess
from sim.plan import ADDRESS

HEAD = '<?xml version="1.0" encoding="us-ascii"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="test">\n'
_SAVE = """  <action>
    <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
    <ereg regexp="CSeq: ([0-9]+)" search_in="msg" assign_to="whole,number"/>
    <ereg regexp="Contact:[^&lt;]*&lt;([^&gt;]+)&gt;" search_in="msg" assign_to="contact,target"/>
  </action>
"""
_VARIABLES = ("via", "from", "to", "whole", "number", "contact", "target")


def audio(port: int = 20000, formats: str = "0 101", direction: str = "sendrecv") -> str:
    """A session with one audio section."""
    return "\n".join(
        (
            "v=0",
            "o=sipp 1 1 IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {port} RTP/AVP {formats}",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            f"a={direction}",
            "",
        )
    )


def picture(port: int = 21000, direction: str = "recvonly", payload_type: int = 96, more: str = "") -> str:
    """A video section with H.264."""
    lines = (
        f"m=video {port} RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} H264/90000",
        f"a=fmtp:{payload_type} profile-level-id=42e01f;packetization-mode=0",
        f"a={direction}",
    )
    return "\n".join(lines) + "\n" + more


def receive(what: str, optional: bool = False) -> str:
    """Wait for a request by its method, or for a response by its code."""
    kind = "response" if what.isdigit() else "request"
    extra = ' optional="true"' if optional else ""
    body = _SAVE if what == "INVITE" else ""
    return f'<recv {kind}="{what}"{extra}>\n{body}</recv>\n'


def remember(response: str) -> str:
    """Wait for a response whose To header, and RSeq if there is one, later requests need."""
    to = '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>'
    number = '<ereg regexp="RSeq: ([0-9]+)" search_in="msg" assign_to="whole,number"/>' if response == "183" else ""
    return f'<recv response="{response}" rrs="true">\n  <action>{to}{number}</action>\n</recv>\n'


def pause(milliseconds: int) -> str:
    """Let time pass."""
    return f'<pause milliseconds="{milliseconds}"/>\n'


def reply(status: str, body: str = "", headers: Sequence[str] = (), tag: str = "a") -> str:
    """Answer the INVITE."""
    lines = ["Via: [$via]", "From: [$from]", f"To: [$to];tag={tag}", "CSeq: [$number] INVITE"]
    return _send(
        f"SIP/2.0 {status}",
        [*lines, "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>"],
        headers,
        body,
    )


def confirm(body: str = "", headers: Sequence[str] = ()) -> str:
    """200 to the request that came last."""
    lines = ["[last_Via:]", "[last_From:]", "[last_To:]", "[last_CSeq:]"]
    return _send("SIP/2.0 200 OK", [*lines, "Contact: <sip:sipp@[local_ip]:[local_port]>"], headers, body)


def respond(status: str, headers: Sequence[str] = ()) -> str:
    """A response without a body to the request that came last."""
    return _send(f"SIP/2.0 {status}", ["[last_Via:]", "[last_From:]", "[last_To:];tag=r", "[last_CSeq:]"], headers, "")


def request(method: str, number: int, body: str = "", headers: Sequence[str] = (), tag: str = "a") -> str:
    """A request of the called side inside the dialog."""
    lines = [
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        f"From: [$to];tag={tag}",
        "To: [$from]",
        f"CSeq: {number} {method}",
        "Contact: <sip:sipp@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
    ]
    return _send(f"{method} [$target] SIP/2.0", lines, headers, body)


def invite(number: int = 1, body: str = "", headers: Sequence[str] = (), again: bool = False) -> str:
    """The INVITE of the calling side."""
    return from_caller("INVITE", number, body, headers, inside=again)


def from_caller(method: str, number: int, body: str = "", headers: Sequence[str] = (), inside: bool = True) -> str:
    """A request of the calling side; a CANCEL as fourth step goes on the branch of the INVITE, the first."""
    to = "To: [$to]" if inside else "To: <sip:[service]@[remote_ip]:[remote_port]>"
    branch = "[branch-3]" if method == "CANCEL" else "[branch]"
    lines = [
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
        'From: "Peer" <sip:sipp@[local_ip]:[local_port]>;tag=caller',
        to,
        f"CSeq: {number} {method}",
        "Contact: <sip:sipp@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
    ]
    target = "[next_url]" if inside else "sip:[service]@[remote_ip]:[remote_port]"
    return _send(f"{method} {target} SIP/2.0", lines, headers, body)


def _send(start: str, lines: Sequence[str], headers: Sequence[str], body: str) -> str:
    content: list[str] = ["Content-Length: 0", ""]
    if body:
        kind = (
            []
            if any(line.lower().startswith("content-type") for line in headers)
            else ["Content-Type: application/sdp"]
        )
        content = [*kind, "Content-Length: [len]", "", body.rstrip("\n")]
    text = "\n".join([start, *lines, "Call-ID: [call_id]", *headers, *content])
    return f"<send><![CDATA[\n\n{text}\n\n]]></send>\n"


class Sipp:
    """Runs one scenario once."""

    def __init__(
        self,
        folder: Path,
        port: int,
        steps: Sequence[str],
        target: str = "",
        service: str = "agent",
        transport: str = "u1",
    ) -> None:
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="sipp-", dir=folder))
        scenario = self.folder / "scenario.xml"
        names = [name for name in _VARIABLES if _defines(steps, name)]
        # SIPp refuses a scenario that assigns what it never uses.
        used = f'<Reference variables="{",".join(names)}"/>\n' if names else ""
        scenario.write_text(HEAD + "".join(steps) + used + "</scenario>\n")
        command = [*_command(self.folder, scenario, port, target), "-m", "1", "-t", transport, "-s", service]
        command += ["-timeout", "25s", "-timeout_error", "-nr", "-recv_timeout", "20000"]
        command += ["-trace_msg", "-message_file", str(self.folder / "messages")]
        self._process = PeerProcess(command, self.folder)

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:sipp@{ADDRESS}:{self.port}"

    def finish(self) -> None:
        """Wait until the scenario is over. Raises PeerError with SIPp's complaint if it did not go as written."""
        status = self._process.exit_status(LIMIT)
        if status != 0:
            complaint = _complaint(self.folder, self._process)
            raise PeerError(f"SIPp ended with {status}: {complaint}\n{self._text()[-6000:]}")

    def received(self, start: str = "") -> list[str]:
        """What it received that begins with `start`."""
        return [text for direction, text in self._messages() if direction == "received" and text.startswith(start)]

    def _messages(self) -> list[tuple[str, str]]:
        parts = re.split(r"^-{20,}.*\n", self._text(), flags=re.MULTILINE)
        found = (re.match(r"\S+ message (received|sent).*?:\n\n(.*)", part, re.DOTALL) for part in parts)
        return [(match[1], match[2]) for match in found if match]

    def _text(self) -> str:
        messages = self.folder / "messages"
        return messages.read_text(errors="replace") if messages.exists() else ""

    def close(self) -> None:
        """End it."""
        self._process.close()


def _defines(steps: Sequence[str], name: str) -> bool:
    return any(re.search(rf'assign_to="[^"]*\b{name}\b', step) for step in steps)


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of many calls."""

    successful: int
    failed: int
    retransmissions: int
    seconds: float
    """Of the clock, from the first call to the end of the last."""
    complaint: str = ""
    """SIPp's own words about the first failures."""


class SippMany:
    """Runs a scenario file many times: as fast as `options` say, or for whoever calls."""

    def __init__(
        self, folder: Path, port: int, scenario: Path, options: Sequence[str] = (), target: str = "", users: str = ""
    ) -> None:
        """`users`: lines of a CSV file for [field0], [field1] ..., taken in turn."""
        self.folder = Path(tempfile.mkdtemp(prefix="sipp-", dir=folder))
        command = [*_command(self.folder, scenario, port, target), "-t", "u1", *options]
        command += ["-trace_stat", "-stf", str(self.folder / "statistics"), "-fd", "1"]
        if users:
            path = self.folder / "users.csv"
            path.write_text(f"SEQUENTIAL\n{users}")
            command += ["-inf", str(path)]
        self._process = PeerProcess(command, self.folder)

    def finish(self, limit: float) -> Tally:
        """Wait until all calls are over. Raises PeerError if SIPp could not do its work."""
        try:
            status = self._process.exit_status(limit)
        except subprocess.TimeoutExpired as error:
            raise PeerError(f"SIPp was not done in {limit:g} s: {_complaint(self.folder, self._process)}") from error
        if status not in (0, 1):  # 1: at least one call failed
            raise PeerError(f"SIPp ended with {status}: {_complaint(self.folder, self._process)}")
        with (self.folder / "statistics").open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        failed = int(last["FailedCall(C)"])
        complaint = _complaint(self.folder, self._process)[:2000] if failed else ""
        again = int(last["Retransmissions(C)"])
        seconds = _moment(last["CurrentTime"]) - _moment(last["StartTime"])
        return Tally(int(last["SuccessfulCall(C)"]), failed, again, seconds, complaint)

    def close(self) -> None:
        """End it."""
        self._process.close()


def _command(folder: Path, scenario: Path, port: int, target: str) -> list[str]:
    """What all our ways to run it have in common."""
    command = ["sipp", *([target] if target else []), "-sf", str(scenario), "-i", ADDRESS, "-p", str(port)]
    return [*command, "-nostdin", "-trace_err", "-error_file", str(folder / "errors")]


def _complaint(folder: Path, process: PeerProcess) -> str:
    errors = folder / "errors"
    return errors.read_text(errors="replace")[-2000:] if errors.exists() else process.last_words()


def _moment(told: str) -> float:
    """SIPp tells a time as date, time of day and seconds since 1970, with tabs between."""
    return float(told.rsplit("\t", maxsplit=1)[-1])
