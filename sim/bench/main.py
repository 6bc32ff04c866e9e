"""`intercom bench`: measures what this project promises, prints a table and writes build/bench.json."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from sim.bench.chain import chain
from sim.bench.community import camera_to_screen, cpu_by_screens, eight_screens, start_to_registered
from sim.bench.echo import erle
from sim.bench.endurance import endurance
from sim.bench.figure import Figure, table, write_json
from sim.bench.fleet import fleet
from sim.bench.fork import against_linphone
from sim.bench.load import load
from sim.bench.messages import messages
from sim.bench.pair import against_baresip
from sim.bench.power_cuts import power_cuts
from sim.bench.records import lost_or_doubled
from sim.bench.watching_door import watching_door
from sim.bench.watching_home import watching_home
from sim.processes import need

GROUPS: dict[str, Callable[[], Iterator[Figure]]] = {
    "eight-screens": eight_screens,
    "camera-to-screen": camera_to_screen,
    "cpu-by-screens": cpu_by_screens,
    "start": start_to_registered,
    "baresip": against_baresip,
    "linphone": against_linphone,
    "chain": chain,
    "fleet": fleet,
    "load": load,
    "records": lost_or_doubled,
    "watching-door": watching_door,
    "watching-home": watching_home,
    "messages": messages,
    "power-cuts": power_cuts,
    "echo": erle,
    "endurance": endurance,
}
"""In the order in which they are measured; none runs beside another."""
RESULT = Path("build/bench.json")


def main(argv: list[str]) -> int:
    """0 if every goal is met, 1 if one is missed. Raises IntercomError if something cannot be measured here."""
    parser = argparse.ArgumentParser(prog="intercom bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"only these of {', '.join(GROUPS)}")
    wanted = parser.parse_args(argv).groups or list(GROUPS)
    if unknown := set(wanted) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    need("kamailio", "baresip", "linphonec", "sipp")
    figures: list[Figure] = []
    for name in wanted:
        print(f"measuring {name} ...", flush=True)
        figures += GROUPS[name]()
    print(table(figures))
    write_json(figures, RESULT)
    return 0 if all(each.holds for each in figures) else 1
