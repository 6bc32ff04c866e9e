"""SIPp as a peer: scenarios written as a list of steps, and every message that it saw."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sim.peers.process import LIMIT, PeerProcess

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
        command = ["sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-t", transport]
        command += ["-nostdin", "-timeout", "25s", "-timeout_error", "-s", service, "-nr", "-recv_timeout", "20000"]
        command += ["-trace_msg", "-message_file", str(self.folder / "messages"), "-trace_err"]
        command += ["-error_file", str(self.folder / "errors"), *([target] if target else [])]
        self._process = PeerProcess(command, self.folder)

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:sipp@127.0.0.1:{self.port}"

    def finish(self) -> None:
        """Wait until the scenario is over. AssertionError with SIPp's complaint if it did not go as written."""
        status = self._process.exit_status(LIMIT)
        errors = self.folder / "errors"
        complaint = errors.read_text()[-2000:] if errors.exists() else self._process.last_words()
        assert status == 0, f"SIPp ended with {status}: {complaint}\n{self._text()[-6000:]}"

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
