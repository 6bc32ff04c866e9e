"""Figures of one server process under load, by SIPp: calls and registrations a second, and what they cost."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from servers.kamailio.accounts import Credentials
from servers.kamailio.kinds import Kind
from sim.bench.figure import Figure
from sim.bench.managed import ManagedServer, ServerShare, managed
from sim.community import free_port
from sim.errors import SimError
from sim.peers.sipp import SippMany, Tally
from sim.plan import ADDRESS

SCENARIOS = Path(__file__).parent / "sipp"
RATE, SECONDS = 50, 60
"""Calls a second that must all come through, and for how long."""
TALK = 1000
"""Milliseconds of each of them."""
AT_ONCE = 20
"""Where only the server sets the pace: so many calls, or registrations, are under way."""
CALLS, REGISTRATIONS = 2000, 8000
HOMES = 200
LIMIT = 240.0


def load() -> Iterator[Figure]:
    """Registrations of homes, then calls from a door to a screen, each with a challenge, plain SIP over UDP."""
    with tempfile.TemporaryDirectory(prefix="intercom-bench-") as folder, managed(Path(folder), "udp") as server:
        generator = _Generator(Path(folder), server)
        server.start()
        server.wait_until_it_serves()
        yield generator.registrations()
        yield generator.steady_calls()
        yield generator.most_calls()


class _Generator:
    """Accounts for a server, and SIPp with them."""

    def __init__(self, folder: Path, server: ManagedServer) -> None:
        self._folder, self._server = folder, server
        self._screen_port = free_port()
        place = f"{ADDRESS}:{self._screen_port}"
        homes = [server.add(f"unit{number}", Kind.INDOOR, str(1000 + number)) for number in range(HOMES)]
        door = server.add("gate1", Kind.DOOR)
        self._units = "".join(f"{one.user};{_login(one)};{one.address_of_record};{place}\n" for one in homes)
        self._door = "".join(f"{door.user};{_login(door)};{1000 + number};\n" for number in range(HOMES))

    def registrations(self) -> Figure:
        """As many as the server takes; afterwards all homes are registered."""
        options = ["-r", str(10 * REGISTRATIONS), "-l", str(AT_ONCE), "-m", str(REGISTRATIONS)]
        tally, note = self._run("register.xml", options, self._units)
        return self._shown("registrations a second, one server", tally, note)

    def steady_calls(self) -> Figure:
        """At a fixed rate: how many of them failed."""
        options = ["-r", str(RATE), "-m", str(RATE * SECONDS), "-d", str(TALK)]
        with self._screens():
            tally, note = self._run("call.xml", options, self._door)
        note = f"{tally.successful} came through, {tally.retransmissions} messages sent again; {note}"
        return Figure(f"failed of {RATE} calls a second for {SECONDS} s", tally.failed, "", 0, (), note)

    def most_calls(self) -> Figure:
        """As many as the server takes."""
        options = ["-r", str(10 * CALLS), "-l", str(AT_ONCE), "-m", str(CALLS), "-d", "1"]
        with self._screens():
            tally, note = self._run("call.xml", options, self._door)
        return self._shown("calls a second, one server", tally, note)

    def _run(self, scenario: str, options: list[str], users: str) -> tuple[Tally, str]:
        target = f"{ADDRESS}:{self._server.listener.port}"
        share = ServerShare(self._server)
        with closing(SippMany(self._folder, free_port(), SCENARIOS / scenario, options, target, users)) as sipp:
            tally = sipp.finish(LIMIT)
        return tally, share.words() + (f"; SIPp: {tally.complaint}" if tally.complaint else "")

    @contextmanager
    def _screens(self) -> Iterator[None]:
        """One SIPp that answers for all homes."""
        with closing(SippMany(self._folder, self._screen_port, SCENARIOS / "answer.xml")):
            yield

    @staticmethod
    def _shown(name: str, tally: Tally, note: str) -> Figure:
        if not tally.successful:
            raise SimError(f"not one of the {name} came through: {note}")
        rate = tally.successful / tally.seconds
        return Figure(name, rate, "/s", None, (), f"{AT_ONCE} under way, {tally.failed} failed; {note}")


def _login(account: Credentials) -> str:
    """What SIPp makes the answer to a challenge of."""
    return f"[authentication username={account.user} password={account.password}]"
