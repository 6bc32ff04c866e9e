"""`intercom management directory watchable`: the doors and cameras that may be watched without a call."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import TypeAdapter

from servers.directory.entries import EVERYBODY, Name, Sight, Watchable
from servers.errors import DirectoryError
from servers.kamailio.commands import Commands

if TYPE_CHECKING:
    from servers.directory.store import DirectoryStore

Open: TypeAlias = "Callable[[argparse.Namespace], AbstractContextManager[DirectoryStore]]"
Checked = Callable[[Callable[[], Any], str], Any]


def add_watch_commands(below: Commands, site: argparse.ArgumentParser, opened: Open, checked: Checked) -> None:
    """Below `directory`."""
    parser = below.add_parser("watchable", help="doors and cameras that may be watched without a call")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", parents=[site], help="list them")
    listing.set_defaults(run=lambda arguments: _list(opened, arguments))
    setting = commands.add_parser("set", parents=[site], help="add one, or change what is given")
    _add_options(setting)
    setting.set_defaults(run=lambda arguments: _set(opened, checked, arguments))
    removing = commands.add_parser("remove", parents=[site], help="remove one")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(run=lambda arguments: _remove(opened, arguments))
    importing = commands.add_parser("import", parents=[site], help="add or replace those of a CSV file")
    importing.add_argument("file", type=Path, metavar="FILE.csv")
    importing.add_argument("--only", action="store_true", help="remove all that are not in the file")
    importing.set_defaults(run=lambda arguments: _import(opened, arguments))
    exporting = commands.add_parser("export", parents=[site], help="write all of them, with logins, as a CSV file")
    exporting.add_argument("file", type=Path, metavar="FILE.csv")
    exporting.set_defaults(run=lambda arguments: _export(opened, arguments))


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of a door: as in its certificate")
    parser.add_argument("--title", help="for people")
    parser.add_argument("--kind", choices=[kind.value for kind in Sight], help="default door")
    parser.add_argument("--url", help="https://HOST:PORT of a door, rtsp://HOST:PORT/PATH of a camera")
    parser.add_argument("--user", help="login of a camera's stream, '' for none")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its password: the first line of a file")
    parser.add_argument("--flat", action="append", default=[], metavar="FLAT", help="may watch it too; repeatable")
    parser.add_argument("--everybody", action="store_true", help="all homes may watch it")
    parser.add_argument("--without", action="append", default=[], metavar="FLAT", help="may not watch it any more")


def _list(opened: Open, arguments: argparse.Namespace) -> None:
    with opened(arguments) as store:
        watchables = store.edition().watchables
    for name, one in watchables.items():
        print(f"{name:<16} {one.kind:<7} {one.url:<40} {' '.join(one.flats) or '-':<16} {one.title}")


def _set(opened: Open, checked: Checked, arguments: argparse.Namespace) -> None:
    name = checked(lambda: TypeAdapter(Name).validate_python(arguments.name), "name")
    with opened(arguments) as store:
        known = store.edition().watchables.get(name)
        values: dict[str, Any] = known.model_dump() if known else {"url": "", "title": ""}
        given = {key: getattr(arguments, key) for key in ("title", "kind", "url", "user")}
        values |= {key: value for key, value in given.items() if value is not None}
        if arguments.password_file:
            values["password"] = _first_line(arguments.password_file)
        flats = {*values.get("flats", ()), *arguments.flat, *([EVERYBODY] if arguments.everybody else [])}
        values["flats"] = tuple(flats - set(arguments.without))
        store.replace_watchables({name: checked(lambda: Watchable.model_validate(values), name)})
        print(f"{name} is in version {store.version()}.")


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise DirectoryError(f"{path}: cannot be read: {reason}") from error


def _remove(opened: Open, arguments: argparse.Namespace) -> None:
    with opened(arguments) as store:
        store.remove_watchable(arguments.name)
        print(f"{arguments.name} removed; version {store.version()}.")


def _import(opened: Open, arguments: argparse.Namespace) -> None:
    from servers.directory.sheet import sheet_text
    from servers.directory.watch_sheet import watchables_of

    found = watchables_of(sheet_text(arguments.file), str(arguments.file))
    with opened(arguments) as store:
        store.replace_watchables(found, arguments.only)
        print(f"{len(found)} doors and cameras taken; version {store.version()}.")


def _export(opened: Open, arguments: argparse.Namespace) -> None:
    from servers.directory.sheet import keep_sheet
    from servers.directory.watch_sheet import watch_csv_of

    with opened(arguments) as store:
        watchables = store.edition().watchables
    keep_sheet(arguments.file, watch_csv_of(watchables))
    print(f"{len(watchables)} doors and cameras written to {arguments.file}.")
