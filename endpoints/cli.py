"""The `intercom` command: finds the sub-command that was asked for, and imports nothing else."""

import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points

from hal.errors import IntercomError

GROUP = "intercom.commands"
DISTRIBUTION = "open-video-intercom"
Command = Callable[[list[str]], int]


def main(argv: list[str] | None = None) -> int:
    """Run `intercom NAME ...`; the exit status is the command's, 1 for an error it told, 2 for a wrong name."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    found = _find(arguments[0])
    if found is None:
        print(_unknown(arguments[0]), file=sys.stderr)
        return 2
    return _run(found, arguments[1:])


def _run(entry: EntryPoint, arguments: list[str]) -> int:
    command: Command = entry.load()
    try:
        return command(arguments)
    except IntercomError as error:
        print(f"intercom {entry.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _find(name: str) -> EntryPoint | None:
    """Our own commands first: reading one package's list is faster than reading everybody's."""
    try:
        own = distribution(DISTRIBUTION).entry_points.select(group=GROUP, name=name)
    except PackageNotFoundError:
        own = entry_points(group=GROUP, name=name)
    return next(iter(own or entry_points(group=GROUP, name=name)), None)


def _unknown(name: str) -> str:
    import difflib

    names = sorted(entry_points(group=GROUP).names)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
    return f"intercom: no command {name!r}; {hint}"


def _help() -> str:
    lines = [f"  {entry.name:14}{_one_line(entry)}" for entry in sorted(entry_points(group=GROUP))]
    return "\n".join(["usage: intercom COMMAND ...", "", *lines, "", "`intercom COMMAND --help` tells more."])


def _one_line(entry: EntryPoint) -> str:
    """The first line of the command's module, read without running it."""
    import ast
    import importlib.util

    try:
        spec = importlib.util.find_spec(entry.module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        return ""
    text = ast.get_docstring(ast.parse(spec.loader.get_source(entry.module) or ""))
    return text.splitlines()[0].rpartition("`: ")[2] if text else ""
