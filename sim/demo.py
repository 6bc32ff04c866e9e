"""`intercom demo`: a visit without a person or a screen; a time line, a report and what each screen showed."""

import argparse
import logging
import tempfile
from pathlib import Path

import httpx

from sim.client import Community, NotSeen, simulator
from sim.processes import need
from sim.report import Report
from sim.visit import Visit

OUT = Path("build/demo")


def main(argv: list[str]) -> int:
    """Exit status: 0 if every check held, 1 if one did not, or if the community cannot run here."""
    parser = argparse.ArgumentParser(prog="intercom demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"where the report goes ({OUT})")
    parser.add_argument("--fault", help="let this happen to the door station first, to see the demo fail")
    parser.add_argument("--plain-udp", action="store_true", help="SIP over UDP and plain RTP")
    options = parser.parse_args(argv)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    need("kamailio")
    options.out.mkdir(parents=True, exist_ok=True)
    report = Report(options.out)
    with tempfile.TemporaryDirectory(prefix="intercom-demo-") as folder:
        flags = ["--plain-udp"] if options.plain_udp else []
        with simulator(Path(folder), *flags) as community:
            _play(community, report, options.fault)
    report.write()
    print(report.text())
    return 0 if report.holds else 1


def _play(community: Community, report: Report, fault: str | None) -> None:
    """The visit; what cannot go on is a check that did not hold."""
    visit = Visit(community, report)
    try:
        if fault:
            visit.door.fault(fault)
        visit.play()
    except (NotSeen, httpx.HTTPError) as error:
        report.check("the visit went to its end", False, str(error))
    finally:
        report.keep_events(community)
