"""Lost or doubled records: visits at a HomeLink that is killed again and again, by the process or with everything."""

import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

from endpoints.handin import HandIn
from endpoints.service import Service
from servers.kamailio.kinds import Kind
from servers.records.call import Wanted
from servers.records.keeper import caught_up
from sim.bench.figure import Figure
from sim.bench.home import ADDRESS, HomeServer
from sim.bench.small_phone import Account, Resident, Visitor
from sim.errors import SimError

VISITS = 1000
DOORS = 8
"""Visits at the same time."""
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
        server = HomeServer(Path(name))
        server.start()
        try:
            kept, kills, answered = _visits(server, Path(name))
        finally:
            server.kill()
    wrong = [session for session, number in kept.items() if number != 1]
    lost = sum(kept[session] == 0 for session in wrong)
    note = f"{kills} kills -9; {answered} visits answered; {lost} lost, {len(wrong) - lost} doubled"
    yield Figure(f"records lost or doubled over {VISITS} visits", len(wrong), "", 0, (), note)


def _visits(server: HomeServer, folder: Path) -> tuple[Counter[str], int, int]:
    """Records per visit, how often something was killed, and how many visits were answered."""
    site = server.site
    doors = [server.account(f"door{number}", Kind.DOOR) for number in range(DOORS)]
    indoor = server.account("indoor1", Kind.INDOOR)
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


def _door(server: HomeServer, account: Account, sessions: list[str], folder: Path) -> int:
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


def _outbox(server: HomeServer, account: Account, folder: Path) -> HandIn:
    outbox = HandIn(folder, lambda url: (Service(url, account.user, account.password),), first_retry=0.2)
    outbox.start()
    return outbox


def _hand_in_rest(server: HomeServer, account: Account, folder: Path) -> None:
    """As the device does after its next start; the server stays up now."""
    outbox = _outbox(server, account, folder)
    deadline = time.monotonic() + LIMIT
    while outbox.waiting:
        if time.monotonic() > deadline:
            raise SimError(f"{outbox.waiting} records of {account.user} are not taken")
        time.sleep(0.05)
    outbox.close()


def _kill_until(server: HomeServer, jobs: list[Future[int]]) -> int:
    """Kill the server or its Kamailio at random moments until all jobs are done; gives how often."""
    kills = 0
    while wait(jobs, random.uniform(*BETWEEN_KILLS)).not_done:
        server.kill_something()
        kills += 1
    return kills
