"""Doors and cameras as a CSV file (RFC 4180) for a spreadsheet; read in, all of its problems are told at once.

Columns: name, title, kind, url, user, password, flats. Kind is door or camera; flats are numbers with blanks between
them, or ``*`` for all.
"""

import csv
import io
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from servers.directory.entries import Name, Sight, Watchable
from servers.errors import DirectoryError

COLUMNS = ("name", "title", "kind", "url", "user", "password", "flats")
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def watch_csv_of(watchables: Mapping[str, Watchable]) -> str:
    """The file."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for name, one in watchables.items():
        writer.writerow([name, one.title, one.kind, one.url, one.user, one.password, " ".join(one.flats)])
    return file.getvalue()


def watchables_of(text: str, source: str = "the file") -> dict[str, Watchable]:
    """What a file says. Raises DirectoryError with every problem: ``FILE, line 3, column url: ...``."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: dict[str, Watchable] = {}
    problems: list[str] = []
    try:
        problems += _header_problems(reader.fieldnames or ())
        for row in reader if not problems else ():
            problems += [f"line {reader.line_num}, {problem}" for problem in _take(row, found)]
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: is no CSV: {error}")
    if problems:
        raise DirectoryError("\n".join(f"{source}, {problem}" for problem in problems))
    return found


def _header_problems(header: object) -> Iterator[str]:
    names = list(header) if isinstance(header, list | tuple) else []
    for name in ("name", "title", "url"):
        if name not in names:
            yield f"line 1: there is no column {name!r}; known are: {', '.join(COLUMNS)}"
    for name in sorted(set(names) - set(COLUMNS)):
        yield f"line 1: column {name!r} is unknown; known are: {', '.join(COLUMNS)}"


def _take(row: Mapping[str | None, str | list[str] | None], found: dict[str, Watchable]) -> Iterator[str]:
    """Put one line into `found`; gives its problems, never with a password in them."""
    if None in row:
        yield f"column {len(COLUMNS) + 1}: there are only {len(COLUMNS)} columns"
        return
    cells = {str(name): str(cell or "").strip() for name, cell in row.items()}
    name = cells.pop("name")
    if name in found:
        yield f"column name: {name} is there already"
    cells["kind"] = cells.get("kind") or Sight.DOOR.value
    try:
        _NAME.validate_python(name)
    except ValidationError:
        yield "column name: must be letters a-z, digits, '_', '.' or '-'"
    try:
        found[name] = Watchable.model_validate({**cells, "flats": tuple(cells.get("flats", "").split())})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            column = str(detail["loc"][0]) if detail["loc"] else "url"
            yield f"column {column}: {detail['msg'].removeprefix('Value error, ')}"
