"""The commands that every SIP server has: serve, manage the devices' accounts, read the call records."""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from servers.errors import ServerError
from servers.kamailio import accounts
from servers.kamailio.kinds import Kind
from servers.kamailio.server import SipServer
from servers.kamailio.site import ServerSite
from servers.records import CallRecord, Result, Wanted, csv_text, records

Site = TypeVar("Site", bound=ServerSite)
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Extension: TypeAlias = Callable[[Commands, argparse.ArgumentParser], None]
"""Adds commands of one kind of server: gets the sub-parsers and the parent parser that brings ``--site``.

Each sets ``run``, a callable that is given the parsed arguments and may raise ServerError.
"""


@dataclass(frozen=True, slots=True)
class Program(Generic[Site]):
    """`intercom NAME`: what is the same for all servers, and what its own extensions add."""

    name: str
    description: str
    load_site: Callable[[Path], Site]
    server: Callable[[Site], SipServer]
    extensions: Sequence[Extension] = ()

    def run(self, argv: Sequence[str]) -> int:
        """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
        parser, names = self._parser()
        arguments = parser.parse_args(_with_command(list(argv), names))
        try:
            arguments.run(arguments)
        except ServerError as error:
            print(f"intercom {self.name}: {error}", file=sys.stderr)
            return 1
        return 0

    def _parser(self) -> tuple[argparse.ArgumentParser, list[str]]:
        site = argparse.ArgumentParser(add_help=False)
        site.add_argument("--site", type=Path, required=True, metavar="FILE", help="site file of this server")
        parser = argparse.ArgumentParser(prog=f"intercom {self.name}", description=self.description)
        commands = parser.add_subparsers(required=True, metavar="COMMAND")
        commands.add_parser("serve", parents=[site], help="serve until SIGTERM (default)").set_defaults(run=self._serve)
        listing = commands.add_parser("records", parents=[site], help="list the calls, newest first")
        listing.add_argument("--json", action="store_true", help="as a JSON list")
        listing.add_argument("--csv", action="store_true", help="as CSV with a header line")
        listing.add_argument("--limit", type=int, default=100, metavar="N")
        listing.add_argument("--flat", default="", metavar="FLAT", help="only calls to or from this flat")
        listing.add_argument("--result", choices=[result.value for result in Result if result], help="only these")
        listing.set_defaults(run=self._records)
        self._add_device_commands(commands.add_parser("device", help="manage the devices' accounts"), site)
        for extend in self.extensions:
            extend(commands, site)
        return parser, list(commands.choices)

    def _add_device_commands(self, parser: argparse.ArgumentParser, site: argparse.ArgumentParser) -> None:
        commands = parser.add_subparsers(required=True, metavar="COMMAND")
        adding = commands.add_parser("add", parents=[site], help="make an account and print its credentials once")
        adding.add_argument("name", metavar="NAME")
        adding.add_argument("--kind", default=Kind.INDOOR.value, help=f"one of: {', '.join(Kind)}")
        adding.add_argument("--home", default="", metavar="FLAT", help="its flat: 301, at the cloud 301.lakeside")
        adding.add_argument("--json", action="store_true", help="print the credentials as JSON")
        adding.set_defaults(run=self._add)
        commands.add_parser("list", parents=[site], help="list the accounts").set_defaults(run=self._list)
        removing = commands.add_parser("remove", parents=[site], help="delete an account and its registrations")
        removing.add_argument("name", metavar="NAME")
        removing.set_defaults(run=self._remove)

    def _serve(self, arguments: argparse.Namespace) -> None:
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        server = self.server(self.load_site(arguments.site))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        server.run()

    def _records(self, arguments: argparse.Namespace) -> None:
        wanted = Wanted(arguments.flat, Result(arguments.result) if arguments.result else None)
        found = records(self.load_site(arguments.site), arguments.limit, wanted)
        if arguments.csv:
            print(csv_text(found), end="")
            return
        if arguments.json:
            print(_json([asdict(record) for record in found]))
            return
        for record in found:
            print(_line(record))

    def _add(self, arguments: argparse.Namespace) -> None:
        site = self.load_site(arguments.site)
        new = accounts.add(site, arguments.name, arguments.kind, arguments.home)
        print(_json(asdict(new)) if arguments.json else _credentials_text(new))

    def _list(self, arguments: argparse.Namespace) -> None:
        for device in accounts.devices(self.load_site(arguments.site)):
            where = ", ".join(device.contacts) or "not registered"
            print(f"{device.name:<32} {device.kind:<10} {device.user:<12} {where}")

    def _remove(self, arguments: argparse.Namespace) -> None:
        accounts.remove(self.load_site(arguments.site), arguments.name)
        print(f"Device {arguments.name} removed.")


def _with_command(argv: list[str], names: Sequence[str]) -> list[str]:
    """Serving needs no word of its own: ``intercom homelink --site FILE``."""
    return argv if argv and argv[0] in (*names, "-h", "--help") else ["serve", *argv]


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda moment: moment.isoformat(), indent=2)


def _line(record: CallRecord) -> str:
    moment = record.started.strftime("%Y-%m-%d %H:%M:%S")
    by = f" by {record.answered_by}, {record.duration:.0f} s" if record.answered_by else ""
    called = f"{record.called} {record.stage}".strip()
    return f"{moment}Z  {record.caller:<16} {called:<20} {record.result or 'ongoing'}{by}"


def _credentials_text(new: accounts.Credentials) -> str:
    lines = [
        f"Device {new.name} ({new.kind}). These secrets are shown once and kept nowhere:",
        "",
        f"  address of record  {new.address_of_record}",
        f"  user               {new.user}",
        f"  password           {new.password}",
        f"  realm              {new.realm}",
    ]
    lines += [f"  server             {uri}" for uri in new.registrars]
    if new.unlock_key:
        lines += ["", "Into the device's site file:", "", "  [unlock]", f'  key = "{new.unlock_key}"']
        lines += ["", "Into the doors' people file, under this flat's devices:", ""]
        lines += [f'  {new.name} = "{new.unlock_public_key}"']
    return "\n".join(lines)
