"""`intercom community`: make the community's authority and issue certificates to its nodes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from servers.errors import CommunityError


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except CommunityError as error:
        print(f"intercom community: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="intercom community", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="make an authority in a new folder")
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--name", required=True, help="of the community")
    init.set_defaults(run=_init)
    issue = commands.add_parser("issue", help="make key and certificate of a node")
    issue.add_argument("folder", type=Path, metavar="DIR", help="folder of the authority")
    issue.add_argument("--role", required=True, help="door-station, indoor-unit, phone, homelink, management, ...")
    issue.add_argument("--name", required=True, help="of the node")
    issue.add_argument(
        "--address", nargs="+", action="extend", default=[], metavar="IP", help="IP address or host name"
    )
    issue.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    issue.set_defaults(run=_issue)
    return parser


def _init(arguments: argparse.Namespace) -> None:
    from servers.community.authority import Community

    community = Community.create(arguments.folder, arguments.name)
    print(
        f"Community {community.name}: give {community.certificate} to every node; keep the key in that folder secret."
    )


def _issue(arguments: argparse.Namespace) -> None:
    from servers.community.authority import Community

    community = Community.open(arguments.folder)
    files = community.issue(arguments.role, arguments.name, arguments.address, arguments.out)
    print(f"authority   = {files.authority}\ncertificate = {files.certificate}\nkey         = {files.key}")
