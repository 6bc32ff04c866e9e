"""The flats as a CSV file (RFC 4180) for a spreadsheet; read in, all of its problems are told at once.

Columns: flat, name, homelink, records, telephone, indoor, phones. The last two list devices as ``name=KEY`` or
``name``, with blanks between them.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from servers.directory.entries import Flat, Number
from servers.errors import DirectoryError
from servers.kamailio.kinds import Kind

COLUMNS = ("flat", "name", "homelink", "records", "telephone", "indoor", "phones")
_DEVICES = {"indoor": Kind.INDOOR, "phones": Kind.PHONE}
_NUMBER: TypeAdapter[str] = TypeAdapter(Number)
_MEANT = {
    "flat": "must be 1 to 8 digits",
    "name": "must have 1 to 64 characters that can be seen",
    "homelink": "must be like sip:home@10.0.0.7:5061;transport=tls, or empty",
    "records": "must be like https://10.0.0.7:8443, or empty",
    "telephone": "must be digits, with or without a leading +, or empty",
}


def sheet_text(path: Path) -> str:
    """What is in a file of a spreadsheet. Raises DirectoryError."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise DirectoryError(f"{path}: cannot be read: {reason}") from error


def keep_sheet(path: Path, text: str) -> None:
    """Write a file for a spreadsheet: only for its owner, as it holds telephone numbers or logins.

    Raises DirectoryError.
    """
    try:
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DirectoryError(f"{path}: cannot be written: {error.strerror}") from error


def csv_of(flats: Mapping[str, Flat]) -> str:
    """The file."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for number, flat in flats.items():
        lists = [" ".join(_device_texts(flat, kind)) for kind in _DEVICES.values()]
        writer.writerow([number, flat.name, flat.homelink, flat.records, flat.telephone, *lists])
    return file.getvalue()


def _device_texts(flat: Flat, kind: Kind) -> Iterator[str]:
    for device in flat.devices:
        if device.kind is kind:
            yield f"{device.name}={device.key}" if device.key else device.name


def flats_of(text: str, source: str = "the file") -> dict[str, Flat]:
    """What a file says. Raises DirectoryError with every problem: ``FILE, line 3, column telephone: ...``."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    problems: list[str] = []
    flats: dict[str, Flat] = {}
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        problems += _header_problems(header)
        for cells in reader if not problems else ():
            if any(cell.strip() for cell in cells):
                place = f"line {reader.line_num}"
                problems += [f"{place}, {problem}" for problem in _take(header, cells, flats)]
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: is no CSV: {error}")
    if problems:
        raise DirectoryError("\n".join(f"{source}, {problem}" for problem in problems))
    return flats


def _header_problems(header: list[str]) -> Iterator[str]:
    for name in ("flat", "name"):
        if name not in header:
            yield f"line 1: there is no column {name!r}; known are: {', '.join(COLUMNS)}"
    for name in header:
        if name not in COLUMNS:
            yield f"line 1: column {name!r} is unknown; known are: {', '.join(COLUMNS)}"
        if header.count(name) > 1:
            yield f"line 1: there is more than one column {name!r}"
            return


def _take(header: list[str], cells: list[str], flats: dict[str, Flat]) -> Iterator[str]:
    """Put one line into `flats`; gives its problems."""
    if len(cells) > len(header):
        yield f"column {len(header) + 1}: there are only {len(header)} columns"
        return
    row = dict.fromkeys(COLUMNS, "") | {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    number = row.pop("flat")
    try:
        _NUMBER.validate_python(number)
    except ValidationError:
        yield f"column flat: {_MEANT['flat']}"
    if number in flats:
        yield f"column flat: {number} is there already"
    devices, columns = _devices(row)
    try:
        plain = {name: row[name] for name in _MEANT if name != "flat"}
        flats[number] = Flat.model_validate({**plain, "devices": tuple(devices)})
    except ValidationError as error:
        yield from _problems(error, columns, devices)


def _devices(row: Mapping[str, str]) -> tuple[list[Any], list[str]]:
    """The devices of both columns as they were written, and the column of each."""
    found: list[Any] = []
    columns: list[str] = []
    for column, kind in _DEVICES.items():
        for word in row[column].split():
            name, _, key = word.partition("=")
            found.append({"name": name, "kind": kind, "key": key})
            columns.append(column)
    return found, columns


def _problems(error: ValidationError, columns: list[str], devices: list[Any]) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        place, message = detail["loc"], detail["msg"].removeprefix("Value error, ")
        if place[0] != "devices":
            yield f"column {place[0]}: {_MEANT[str(place[0])]}"
        elif len(place) > 2 and isinstance(place[1], int):
            meant = "is no name (a-z, 0-9, '_', '.', '-')" if place[2] == "name" else f"its key {message}"
            yield f"column {columns[place[1]]}: {devices[place[1]]['name']!r} {meant}"
        else:
            yield f"columns indoor and phones: {message}"
