"""The one thread on which a SIP library lives."""

import threading
import time

from endpoints.sip.worker import Worker

LIMIT = 20


class Library:
    """A poll that waits for a wake-up, as long as it may."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.news = threading.Event()
        worker.wake = self.news.set

    def run(self) -> None:
        while not self.worker.stopping:
            self.worker.turn(self.poll)

    def poll(self, patience: float) -> None:
        self.news.wait(min(patience, LIMIT))
        self.news.clear()


def test_jobs_run_in_order_on_the_thread_and_a_failure_stops_nobody() -> None:
    worker, done, seen = Worker("test"), threading.Event(), list[object]()
    worker.start(Library(worker).run)
    worker.do(lambda: seen.append(worker.is_here))
    worker.do(lambda: seen.append(int("no number")))
    worker.do(lambda: seen.append("last"))
    worker.do(done.set)
    assert done.wait(LIMIT)
    assert seen == [True, "last"]
    assert not worker.is_here
    assert worker.stop(LIMIT)
    assert worker.stop(LIMIT)


def test_timers_run_when_they_are_due_though_nothing_else_happens() -> None:
    worker, done, order = Worker("test"), threading.Event(), list[str]()
    worker.start(Library(worker).run)

    def plan() -> None:
        worker.later(0.06, done.set)
        worker.later(0.04, lambda: order.append("second"))
        worker.later(0.02, lambda: order.append("first"))

    started = time.monotonic()
    worker.do(plan)
    assert done.wait(LIMIT)
    assert order == ["first", "second"]
    assert time.monotonic() - started >= 0.06
    assert worker.stop(LIMIT)
