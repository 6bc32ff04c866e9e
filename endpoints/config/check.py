"""`intercom check FILE...`: tells every problem of board, site, people and other configuration files at once."""

import argparse
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from endpoints.config.backends import device_notes, device_problems
from endpoints.config.load import load_board, load_people, load_site, read_toml
from endpoints.config.pins import pin_problems
from endpoints.errors import ConfigError
from hal.errors import IntercomError

GROUP = "intercom.checks"


def main(argv: list[str]) -> int:
    """Check the files named in `argv`; 0 if all of them can be used."""
    parser = argparse.ArgumentParser("intercom check", description="Tell all problems of configuration files at once.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="board, site, people or server site file")
    return max([_report(path) for path in parser.parse_args(argv).files])


def problems_of(path: Path) -> list[str]:
    """Every problem of the file at `path`, whatever kind it is; each begins with the file's name."""
    try:
        _checker(path).load()(path)
    except IntercomError as error:
        return str(error).splitlines()
    return []


def check_board(path: Path) -> None:
    """Read a board file and compare its devices with the backends here. Raises ConfigError with all problems."""
    board = load_board(path)
    problems = [f"{path}: {problem}" for problem in (*device_problems(board), *pin_problems(board))]
    if problems:
        raise ConfigError("\n".join(problems))


def check_site(path: Path) -> None:
    """Read an endpoint's site file and the people file it names. Raises ConfigError with all problems."""
    site = load_site(path)
    if site.people:
        load_people(site.people)


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
