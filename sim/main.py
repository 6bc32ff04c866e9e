"""`intercom sim`: a community on this desktop, with one web page on which a person walks up to the door."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from sim.plan import PLANS
from sim.processes import need
from sim.simulator import Simulator

SCREENS = range(17)


def main(argv: list[str]) -> int:
    """Run until Ctrl-C or SIGTERM; 0 then, 1 if the community cannot run here (one sentence says why)."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(levelname)s: %(message)s")
    need("kamailio")
    return asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="intercom sim", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write JSON here when everything is registered")
    parser.add_argument("--plain-udp", action="store_true", help="SIP over UDP and plain RTP, to read the packets")
    parser.add_argument("--port", type=int, default=0, help="of the page; any free one by default")
    parser.add_argument("--community", choices=PLANS, default="small", help="one home, or everything there can be")
    parser.add_argument(
        "--screens", type=_screens, default=2, metavar="N", help="indoor units of home 301, 0 to 16; 2 by default"
    )
    parser.add_argument("--silent", action="store_true", help="nobody speaks by himself")
    parser.add_argument("--verbose", action="store_true", help="tell what happens")
    return parser


def _screens(text: str) -> int:
    if not text.isdigit() or int(text) not in SCREENS:
        raise argparse.ArgumentTypeError(f"{SCREENS.start} to {SCREENS.stop - 1}, not {text!r}")
    return int(text)


async def _run(options: argparse.Namespace) -> int:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end.set)
    simulator = Simulator(
        PLANS[options.community](options.screens), options.plain_udp, options.port, talkative=not options.silent
    )
    try:
        await _until(end, _start(simulator, options))
        await end.wait()
    finally:
        await simulator.close()
    return 0


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
    await simulator.start()
    if options.ready_file:
        await asyncio.to_thread(simulator.write_ready, options.ready_file)
    print(simulator.greeting(), flush=True)
    if not options.headless and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        await asyncio.to_thread(webbrowser.open, simulator.page)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
