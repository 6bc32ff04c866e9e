"""`intercom check FILE...`: tells every problem of board, site, people and other configuration files at once."""

import argparse
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from endpoints.config.backends import device_notes, device_problems
from endpoints.config.load import load_board, load_people, load_site, read_toml
from endpoints.errors import ConfigError

GROUP = "intercom.checks"


def main(argv: list[str]) -> int:
    """Check the files named in `argv`; 0 if all of them can be used."""
    parser = argparse.ArgumentParser("intercom check", description="Tell all problems of configuration files at once.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="board, site, people or server site file")
    return max([_report(path) for path in parser.parse_args(argv).files])


def problems_of(path: Path) -> list[str]:
    """Every problem of the file at `path`, whatever kind it is; each begins with the file's name."""
    try:
        return _checker(path).load()(path)  # type: ignore[no-any-return]
    except ConfigError as error:
        return str(error).splitlines()


def board_problems(path: Path) -> list[str]:
    """Problems of a board file, its devices' backends and options included."""
    board = load_board(path)
    return [f"{path}: {problem}" for problem in device_problems(board)]


def site_problems(path: Path) -> list[str]:
    """Problems of an endpoint's site file and of the people file it names."""
    site = load_site(path)
    return people_problems(site.people) if site.people else []


def people_problems(path: Path) -> list[str]:
    """Problems of a people file."""
    load_people(path)
    return []


def _report(path: Path) -> int:
    problems = problems_of(path)
    _say(problems or [f"{path}: good"])
    if not problems and "board" in read_toml(path):
        _say(f"{path}: note: {note}" for note in device_notes(load_board(path)))
    return 1 if problems else 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _checker(path: Path) -> EntryPoint:
    tables = read_toml(path)
    checkers = {entry.name: entry for entry in entry_points(group=GROUP)}
    for name, entry in checkers.items():
        if name in tables:
            return entry
    wanted = ", ".join(f"[{name}]" for name in sorted(checkers))
    raise ConfigError(f"{path}: is no configuration file of ours: it has none of the tables {wanted}")
