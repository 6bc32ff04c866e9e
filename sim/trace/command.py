"""`intercom sim trace`: the SIP messages of a call in a running simulator, as a ladder of text."""

import argparse
from pathlib import Path

import httpx

from sim.client import Community
from sim.errors import SimError


def main(argv: list[str]) -> int:
    """Print it: 0; 1 with a sentence if there is no such simulator or call."""
    parser = argparse.ArgumentParser(prog="intercom sim trace", description=__doc__)
    parser.add_argument("ready_file", type=Path, metavar="READY-FILE", help="what `intercom sim --ready-file` wrote")
    parser.add_argument("session", nargs="?", default="", help="of the call, a beginning is enough; the last one")
    parser.add_argument("--list", action="store_true", help="list the calls instead")
    options = parser.parse_args(argv)
    try:
        community = Community.of(options.ready_file)
        print(_calls(community) if options.list else _ladder(community, options.session))
    except (OSError, ValueError, KeyError) as error:
        raise SimError(f"{options.ready_file} tells of no simulator: {error}") from error
    except httpx.HTTPStatusError as error:
        raise SimError(str(error.response.json().get("detail", error))) from error
    except httpx.HTTPError as error:
        raise SimError(f"the simulator of {options.ready_file} does not answer: {error}") from error
    return 0


def _calls(community: Community) -> str:
    lines = [
        f"{each['session']}  {each['caller']} calls {each['called']}: {each['outcome'] or 'no answer yet'}"
        for each in community.visits()
    ]
    return "\n".join(lines) or "Nobody has called yet."


def _ladder(community: Community, session: str) -> str:
    if not community.visits():
        return "Nobody has called yet."
    return community.ladder(session)
