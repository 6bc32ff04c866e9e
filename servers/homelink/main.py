"""`intercom homelink`: serve a home, manage its devices, read its call records."""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from servers.errors import ServerError
from servers.homelink import devices
from servers.homelink.records import CallRecord, records
from servers.homelink.server import HomeLink
from servers.homelink.site import load_site


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 impossible (one sentence says why), 2 wrong usage."""
    arguments = _parser().parse_args(_with_command(list(argv)))
    try:
        arguments.run(arguments)
    except ServerError as error:
        print(f"intercom homelink: {error}", file=sys.stderr)
        return 1
    return 0


def _with_command(argv: list[str]) -> list[str]:
    """Serving needs no word of its own: ``intercom homelink --site FILE``."""
    return argv if argv and argv[0] in ("serve", "records", "device", "-h", "--help") else ["serve", *argv]


def _parser() -> argparse.ArgumentParser:
    site = argparse.ArgumentParser(add_help=False)
    site.add_argument("--site", type=Path, required=True, metavar="FILE", help="site file of this HomeLink")
    parser = argparse.ArgumentParser(prog="intercom homelink", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("serve", parents=[site], help="serve until SIGTERM (default)").set_defaults(run=_serve)
    listing = commands.add_parser("records", parents=[site], help="list the calls, newest first")
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    listing.set_defaults(run=_records)
    _add_device_commands(commands.add_parser("device", help="manage the devices' accounts"), site)
    return parser


def _add_device_commands(parser: argparse.ArgumentParser, site: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    adding = commands.add_parser("add", parents=[site], help="make an account and print its credentials once")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--kind", choices=[kind.value for kind in devices.Kind], default="indoor")
    adding.add_argument("--json", action="store_true", help="print the credentials as JSON")
    adding.set_defaults(run=_add)
    listing = commands.add_parser("list", parents=[site], help="list the accounts")
    listing.set_defaults(run=_list)
    removing = commands.add_parser("remove", parents=[site], help="delete an account and its registrations")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(run=_remove)


def _serve(arguments: argparse.Namespace) -> None:
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    server = HomeLink(load_site(arguments.site))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    server.run()


def _records(arguments: argparse.Namespace) -> None:
    found = records(load_site(arguments.site), arguments.limit)
    if arguments.json:
        print(json.dumps([asdict(record) for record in found], default=lambda moment: moment.isoformat(), indent=2))
        return
    for record in found:
        print(_line(record))


def _line(record: CallRecord) -> str:
    moment = record.started.strftime("%Y-%m-%d %H:%M:%S")
    by = f" by {record.answered_by}, {record.duration:.0f} s" if record.answered_by else ""
    return f"{moment}Z  {record.caller:<16} {record.result or 'ongoing'}{by}"


def _add(arguments: argparse.Namespace) -> None:
    new = devices.add(load_site(arguments.site), arguments.name, arguments.kind)
    if arguments.json:
        print(json.dumps(asdict(new), indent=2))
        return
    print(_credentials_text(new))


def _credentials_text(new: devices.Credentials) -> str:
    lines = [
        f"Device {new.name} ({new.kind}). These secrets are shown once and kept nowhere:",
        "",
        f"  address of record  {new.address_of_record}",
        f"  user               {new.user}",
        f"  password           {new.password}",
        f"  realm              {new.realm}",
    ]
    word = "calls through" if new.kind is devices.Kind.DOOR else "registrar"
    lines += [f"  {word:<18} {uri}" for uri in new.registrars]
    if new.unlock_key:
        lines += ["", "Into the device's site file:", "", "  [unlock]", f'  key = "{new.unlock_key}"']
        lines += ["", "Into the doors' people file, under this flat's devices:", ""]
        lines += [f'  {new.name} = "{new.unlock_public_key}"']
    return "\n".join(lines)


def _list(arguments: argparse.Namespace) -> None:
    for device in devices.devices(load_site(arguments.site)):
        print(f"{device.name:<32} {device.kind:<7} {', '.join(device.contacts) or 'not registered'}")


def _remove(arguments: argparse.Namespace) -> None:
    devices.remove(load_site(arguments.site), arguments.name)
    print(f"Device {arguments.name} removed.")
