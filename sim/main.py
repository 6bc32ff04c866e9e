"""`intercom sim`: a community on this desktop, with one web page on which a person walks up to the door."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.client import Community
from sim.plan import PLANS
from sim.player import Player
from sim.processes import need
from sim.scenario import Scenario, bundled, load
from sim.simulator import Simulator, check_writable
from sim.trace import command as trace

SCREENS = range(17)


def main(argv: list[str]) -> int:
    """Run until Ctrl-C or SIGTERM; 0 then, 1 if the community cannot run here (one sentence says why)."""
    if argv[:1] == ["trace"]:
        return trace.main(argv[1:])
    options = _parser().parse_args(argv)
    options.scenarios = [load(name) for name in options.scenario]
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(levelname)s: %(message)s")
    need("kamailio")
    return asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    more = "`intercom sim trace -h`: the SIP messages of a call in a running simulator."
    parser = argparse.ArgumentParser(prog="intercom sim", description=__doc__, epilog=more)
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write JSON here when everything is registered")
    parser.add_argument("--plain-udp", action="store_true", help="SIP over UDP and plain RTP, to read the packets")
    parser.add_argument("--port", type=int, default=0, help="of the page; any free one by default")
    parser.add_argument("--community", choices=PLANS, default="whole", help="one home, or everything (default)")
    parser.add_argument(
        "--screens", type=_screens, default=2, metavar="N", help="indoor units of home 301, 0 to 16; 2 by default"
    )
    parser.add_argument(
        "--watcher",
        default="",
        metavar="KEY",
        help="the door of the small community may be watched by tokens of this Ed25519 public key, base64",
    )
    parser.add_argument(
        "--ring", type=_seconds, default=45.0, metavar="SECONDS", help="how long a door lets it ring, 3 to 300; 45"
    )
    parser.add_argument("--silent", action="store_true", help="nobody speaks by himself")
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="FILE",
        help=f"play it, say what came of it and end; a file, or one of {', '.join(bundled())}",
    )
    parser.add_argument("--verbose", action="store_true", help="tell what happens")
    return parser


def _screens(text: str) -> int:
    if not text.isdigit() or int(text) not in SCREENS:
        raise argparse.ArgumentTypeError(f"{SCREENS.start} to {SCREENS.stop - 1}, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 3 <= seconds <= 300:
        raise argparse.ArgumentTypeError(f"3 to 300, not {text!r}")
    return seconds


async def _run(options: argparse.Namespace) -> int:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end.set)
    changes = {"ring": options.ring, "watcher": options.watcher}
    plan = replace(PLANS[options.community](options.screens), **changes)
    simulator = Simulator(plan, options.plain_udp, options.port, talkative=not options.silent)
    try:
        await _until(end, _start(simulator, options))
        if not options.scenarios:
            await end.wait()
        elif not end.is_set():
            return await _play(simulator, options.scenarios)
    finally:
        await simulator.close()
    return 0


async def _play(simulator: Simulator, scenarios: list[Scenario]) -> int:
    """Play one after the other: 0 if all came true, 1 if one did not."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    community = Community.told(simulator.ready_facts())
    failed = 0
    for scenario in scenarios:
        print(f"{scenario.flow}: {scenario.title}", flush=True)
        failure = await asyncio.to_thread(Player(community, scenario, _say).play)
        print(f"  FAILED: {failure}" if failure else "  ok", flush=True)
        failed += bool(failure)
    community.close()
    return 1 if failed else 0


def _say(line: str) -> None:
    print(line, flush=True)


async def _until(end: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Wait for `work`, or give it up at `end`."""
    working, ending = asyncio.create_task(work), asyncio.create_task(end.wait())
    await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if working.done():
        working.result()
        return
    working.cancel()
    await asyncio.wait({working})


async def _start(simulator: Simulator, options: argparse.Namespace) -> None:
    if options.ready_file:
        check_writable(options.ready_file)
    await simulator.start()
    if options.ready_file:
        await asyncio.to_thread(simulator.write_ready, options.ready_file)
    if options.scenarios:
        return
    print(simulator.greeting(), flush=True)
    if not options.headless and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        await asyncio.to_thread(webbrowser.open, simulator.page)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
