"""`intercom demo`: visits without a person or a screen; a time line, a report and what each screen showed."""

import argparse
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from sim.client import Community, NotSeen, simulator
from sim.last_resort import LastResort
from sim.left_message import LeftMessage
from sim.processes import need
from sim.report import Report, Story
from sim.visit import Visit
from sim.watching_visit import WatchingVisit

OUT = Path("build/demo")


def _everybody_at_home(community: Community, story: Story, fault: str | None) -> None:
    visit = Visit(community, story)
    if fault:
        visit.door.fault(fault)
    visit.play()


def _nobody_at_home(community: Community, story: Story, fault: str | None) -> None:
    LastResort(community, story).play()


def _nobody_answers(community: Community, story: Story, fault: str | None) -> None:
    visit = LeftMessage(community, story)
    if fault:
        community["door1"].fault(fault)
    visit.play()


def _nobody_calls(community: Community, story: Story, fault: str | None) -> None:
    if fault:
        community["door1"].fault(fault)
    WatchingVisit(community, story).play()


@dataclass(frozen=True, slots=True)
class Part:
    """One visit of the demo, in a community of its own."""

    title: str
    community: str
    play: Callable[[Community, Story, str | None], None]
    options: tuple[str, ...] = ()
    """More of `intercom sim`."""


VISITS = {
    "home": Part("A visitor rings: every screen shows them, one answers and opens", "small", _everybody_at_home),
    "message": Part(
        "Nobody answers: the visitor leaves a message, and every screen plays it",
        "small",
        _nobody_answers,
        ("--ring", "4"),
    ),
    "watch": Part("Nobody calls: doors and a camera are watched at home, on 4G and by a guard", "whole", _nobody_calls),
    "telephone": Part("Nobody answers at home or on 4G: the ordinary telephone opens", "whole", _nobody_at_home),
}


def main(argv: list[str]) -> int:
    """Exit status: 0 if every check held, 1 if one did not, or if the community cannot run here."""
    parser = argparse.ArgumentParser(prog="intercom demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"where the report goes ({OUT})")
    parser.add_argument("--visit", choices=VISITS, help="only this one of them")
    parser.add_argument("--fault", help="let this happen to the door station before the first visit, to see it fail")
    parser.add_argument("--plain-udp", action="store_true", help="SIP over UDP and plain RTP")
    options = parser.parse_args(argv)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    need("kamailio")
    options.out.mkdir(parents=True, exist_ok=True)
    report = Report(options.out)
    flags = ["--plain-udp"] if options.plain_udp else []
    for name in [options.visit] if options.visit else VISITS:
        visit = VISITS[name]
        story = report.story(visit.title)
        _play(story, ["--community", visit.community, *visit.options, *flags], visit, options.fault)
    report.write()
    print(report.text())
    return 0 if report.holds else 1


def _play(story: Story, options: list[str], visit: Part, fault: str | None) -> None:
    """A visit in a community of its own; what cannot go on is a check that did not hold."""
    with (
        tempfile.TemporaryDirectory(prefix="intercom-demo-") as folder,
        simulator(Path(folder), *options) as community,
    ):
        try:
            visit.play(community, story, fault)
        except (NotSeen, httpx.HTTPError) as error:
            story.check("the visit went to its end", False, str(error))
        finally:
            story.keep_events(community)
