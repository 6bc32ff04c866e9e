"""`intercom management directory`: see and change flats and consoles, one by one or as a CSV file."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from servers.directory.entries import Console, Flat, Name, Number
from servers.directory.watch_commands import add_watch_commands
from servers.errors import DirectoryError
from servers.kamailio.commands import Commands
from servers.kamailio.kinds import Kind
from servers.management.site import load_site

if TYPE_CHECKING:  # a command about something else does not load the database
    from servers.directory.store import DirectoryStore


def add_commands(commands: Commands, site: argparse.ArgumentParser) -> None:
    """The extension of the management server's program."""
    directory = commands.add_parser("directory", help="whom each flat number calls")
    below = directory.add_subparsers(required=True, metavar="COMMAND")
    below.add_parser("list", parents=[site], help="list flats and consoles").set_defaults(run=_list)
    _add_set(below.add_parser("set", parents=[site], help="add a flat, or change what is given"))
    removing = below.add_parser("remove", parents=[site], help="remove a flat")
    removing.add_argument("number", metavar="FLAT")
    removing.set_defaults(run=_remove)
    importing = below.add_parser("import", parents=[site], help="add or replace the flats of a CSV file")
    importing.add_argument("file", type=Path, metavar="FILE.csv")
    importing.add_argument("--only", action="store_true", help="remove all flats that are not in the file")
    importing.set_defaults(run=_import)
    exporting = below.add_parser("export", parents=[site], help="write all flats as a CSV file")
    exporting.add_argument("file", type=Path, metavar="FILE.csv")
    exporting.set_defaults(run=_export)
    _add_console(below.add_parser("console", parents=[site], help="add a console or change it; or remove it"))
    add_watch_commands(below, site, _store, checked)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="FLAT")
    parser.add_argument("--name", help="for people")
    parser.add_argument("--homelink", metavar="URI", help="the home's address at its HomeLink, '' for none")
    parser.add_argument("--records", metavar="URL", help="HTTP service of its HomeLink, '' for none")
    parser.add_argument("--telephone", metavar="NUMBER", help="in the public telephone network, '' for none")
    for kind in (Kind.INDOOR, Kind.PHONE):
        parser.add_argument(f"--{kind}", action="append", default=[], metavar="NAME[=KEY]", help="a device; repeatable")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="a device to take out")
    parser.set_defaults(run=_set)


def _add_console(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--priority", type=float, metavar="Q", help="0 to 1; the highest is called first; default 1")
    parser.add_argument("--key", metavar="KEY", help="public unlock key, '' for none")
    parser.add_argument("--remove", action="store_true")
    parser.set_defaults(run=_console)


@contextmanager
def _store(arguments: argparse.Namespace) -> "Iterator[DirectoryStore]":
    from servers.database import Database
    from servers.directory.store import DirectoryStore

    site = load_site(arguments.site)
    site.databases.prepare()
    database = Database(site.database_url)
    try:
        yield DirectoryStore(database)
    finally:
        database.close()


def _list(arguments: argparse.Namespace) -> None:
    with _store(arguments) as store:
        edition = store.edition()
    print(f"version {edition.version}")
    for number, flat in edition.flats.items():
        devices = ", ".join(device.name for device in flat.devices) or "-"
        print(f"{number:<8} {flat.name:<24} {flat.homelink or '-':<44} {flat.telephone or '-':<16} {devices}")
    for name, console in edition.consoles.items():
        print(f"console {name:<24} priority {console.priority:g}")


def _set(arguments: argparse.Namespace) -> None:
    number = checked(lambda: TypeAdapter(Number).validate_python(arguments.number), "flat number")
    with _store(arguments) as store:
        known = store.edition().flats.get(number)
        values: dict[str, Any] = known.model_dump() if known else {"name": "", "devices": ()}
        given = {name: getattr(arguments, name) for name in ("name", "homelink", "records", "telephone")}
        values |= {name: value for name, value in given.items() if value is not None}
        values["devices"] = tuple(_devices(arguments, values["devices"]))
        store.set_flat(number, checked(lambda: Flat.model_validate(values), f"flat {number}"))
        print(f"Flat {number} is in version {store.version()}.")


def _devices(arguments: argparse.Namespace, known: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    words = [(kind, word.partition("=")) for kind in (Kind.INDOOR, Kind.PHONE) for word in getattr(arguments, kind)]
    named = {name for _, (name, _, _) in words}
    for name in arguments.without:
        if name not in {device["name"] for device in known}:
            raise DirectoryError(f"flat {arguments.number} has no device {name!r}")
    yield from (device for device in known if device["name"] not in named | set(arguments.without))
    for kind, (name, _, key) in words:
        yield {"name": name, "kind": kind, "key": key}


def _remove(arguments: argparse.Namespace) -> None:
    with _store(arguments) as store:
        store.remove_flat(arguments.number)
        print(f"Flat {arguments.number} removed; version {store.version()}.")


def _import(arguments: argparse.Namespace) -> None:
    from servers.directory.sheet import flats_of, sheet_text

    flats = flats_of(sheet_text(arguments.file), str(arguments.file))
    with _store(arguments) as store:
        store.replace_flats(flats, arguments.only)
        print(f"{len(flats)} flats taken; version {store.version()}.")


def _export(arguments: argparse.Namespace) -> None:
    from servers.directory.sheet import csv_of, keep_sheet

    with _store(arguments) as store:
        flats = store.edition().flats
    keep_sheet(arguments.file, csv_of(flats))
    print(f"{len(flats)} flats written to {arguments.file}.")


def _console(arguments: argparse.Namespace) -> None:
    name = checked(lambda: TypeAdapter(Name).validate_python(arguments.name), "console name")
    with _store(arguments) as store:
        if arguments.remove:
            store.remove_console(name)
        else:
            known = store.edition().consoles.get(name)
            values = known.model_dump() if known else {}
            values |= {
                key: getattr(arguments, key) for key in ("priority", "key") if getattr(arguments, key) is not None
            }
            store.set_console(name, checked(lambda: Console.model_validate(values), f"console {name}"))
        print(f"Console {name}: version {store.version()}.")


Checked = TypeVar("Checked")


def checked(make: Callable[[], Checked], what: str) -> Checked:
    """What `make` gives. Raises DirectoryError with all problems of its values, never with a key or number in it."""
    try:
        return make()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in details]
        raise DirectoryError("\n".join(f"{what}: {problem}" for problem in problems)) from None
