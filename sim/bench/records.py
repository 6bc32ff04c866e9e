"""Lost or doubled records: visits at a HomeLink that is killed again and again, by the process or with everything."""

import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from endpoints.handin import HandIn
from endpoints.service import Service
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts
from servers.kamailio.config import Listener
from servers.kamailio.kinds import Kind
from servers.kamailio.probe import probe
from servers.records.call import Wanted
from servers.records.keeper import caught_up
from sim.bench.figure import Figure
from sim.bench.small_phone import Account, Resident, Visitor
from sim.community import free_port
from sim.errors import SimError

VISITS = 1000
DOORS = 8
"""Visits at the same time."""
ADDRESS = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
"""Nobody else takes the ports there while the server is down."""
BETWEEN_KILLS = (0.5, 2.5)
"""Seconds."""
RINGS = (0.05, 0.4)
"""Seconds."""
BETWEEN_VISITS = (0.0, 0.4)
"""Seconds, of one door."""
LIMIT = 60.0


def lost_or_doubled() -> Iterator[Figure]:
    """Every visit becomes exactly one record, whatever was killed when."""
    with tempfile.TemporaryDirectory(prefix="intercom-records-") as name:
        server = _Server(Path(name))
        server.start()
        try:
            kept, kills, answered = _visits(server, Path(name))
        finally:
            server.kill()
    wrong = [session for session, number in kept.items() if number != 1]
    lost = sum(kept[session] == 0 for session in wrong)
    note = f"{kills} kills -9; {answered} visits answered; {lost} lost, {len(wrong) - lost} doubled"
    yield Figure(f"records lost or doubled over {VISITS} visits", len(wrong), "", 0, (), note)


def _visits(server: "_Server", folder: Path) -> tuple[Counter[str], int, int]:
    """Records per visit, how often something was killed, and how many visits were answered."""
    site = server.site
    doors = [_account(site, f"door{number}", Kind.DOOR) for number in range(DOORS)]
    indoor = _account(site, "indoor1", Kind.INDOOR)
    resident = Resident(ADDRESS, server.port, indoor, site.homelink.home, RINGS)
    if not resident.register():
        raise SimError("the resident's device cannot register at the HomeLink of this measurement")
    resident.start()
    sessions = [secrets.token_hex(16) for _ in range(VISITS)]
    with ThreadPoolExecutor(DOORS) as pool:
        lists = [sessions[number::DOORS] for number in range(DOORS)]
        jobs = [
            pool.submit(_door, server, account, mine, folder / account.user)
            for account, mine in zip(doors, lists, strict=True)
        ]
        kills = _kill_until(server, jobs)
        answered = sum(job.result() for job in jobs)
    for account in doors:
        _hand_in_rest(server, account, folder / account.user)
    resident.close()
    with caught_up(site) as store:
        found = Counter(record.session_id for record in store.all(Wanted()))
    return Counter({session: found[session] for session in sessions}), kills, answered


def _door(server: "_Server", account: Account, sessions: list[str], folder: Path) -> int:
    """A door's visits, each handed in at its end; gives how many were answered."""
    visitor = Visitor(ADDRESS, server.port, account)
    outbox = _outbox(server, account, folder)
    answered = 0
    for session in sessions:
        time.sleep(random.uniform(*BETWEEN_VISITS))
        started = datetime.now(UTC).isoformat()
        status = visitor.visit(server.site.homelink.home, session)
        answered += status == 200
        record = {"session_id": session, "stage": "home", "started": started, "ended": datetime.now(UTC).isoformat()}
        result = "answered" if status == 200 else "failed"
        outbox.add(server.url, f"{session}-{account.user}", {**record, "result": result, "code": status or None})
    outbox.close()
    return answered


def _outbox(server: "_Server", account: Account, folder: Path) -> HandIn:
    outbox = HandIn(folder, lambda url: (Service(url, account.user, account.password),), first_retry=0.2)
    outbox.start()
    return outbox


def _hand_in_rest(server: "_Server", account: Account, folder: Path) -> None:
    """As the device does after its next start; the server stays up now."""
    outbox = _outbox(server, account, folder)
    deadline = time.monotonic() + LIMIT
    while outbox.waiting:
        if time.monotonic() > deadline:
            raise SimError(f"{outbox.waiting} records of {account.user} are not taken")
        time.sleep(0.05)
    outbox.close()


def _account(site: Site, name: str, kind: Kind) -> Account:
    made = accounts.add(site, name, kind)
    return Account(made.user, made.password, made.realm)


def _kill_until(server: "_Server", jobs: list[Future[int]]) -> int:
    """Kill the server or its Kamailio at random moments until all jobs are done; gives how often."""
    kills = 0
    while wait(jobs, random.uniform(*BETWEEN_KILLS)).not_done:
        server.kill_something()
        kills += 1
    return kills


class _Server:
    """`intercom homelink` with its HTTP service, over plain UDP."""

    def __init__(self, folder: Path) -> None:
        self.port, http = free_port(), free_port()
        self.url = f"http://{ADDRESS}:{http}"
        self._file = folder / "site.toml"
        identity = f'[homelink]\nname = "Measured"\nrealm = "home.example"\naddress = "{ADDRESS}"\n'
        limits = "[limits]\nrequests = 100000\nfailures = 1000\nsource_failures = 100000\n"
        ports = f"[listen]\nudp = {self.port}\n[http]\nport = {http}\n"
        self._file.write_text(f'data = "data"\n{identity}{ports}{limits}', encoding="utf-8")
        self.site = load_site(self._file)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "homelink.log"

    def start(self) -> None:
        """Serve, when this returns. Raises SimError."""
        program = "import sys; from servers.homelink.main import main; sys.exit(main(sys.argv[1:]))"
        # The signal comes when the thread that started it ends: this is always the main thread.
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", program, "--site", str(self._file)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log, start_new_session=True)
        deadline = time.monotonic() + LIMIT
        while not probe(Listener("udp", ADDRESS, self.port), timeout=0.2):
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
                raise SimError(f"the HomeLink of this measurement does not start: {words or 'it says nothing'}")
            time.sleep(0.02)

    def kill_something(self) -> None:
        """kill -9 to Kamailio alone, which its supervisor starts again, or to the supervisor, and all with it."""
        if random.random() < 0.5:
            with suppress(OSError, ValueError):  # it is being started just now
                os.kill(int((self.site.run_folder / "pid").read_text()), signal.SIGKILL)
            return
        self.kill()
        self.start()

    def kill(self) -> None:
        """kill -9 to the server's process; its Kamailio ends with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
