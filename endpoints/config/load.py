"""Reads a configuration file and tells everything that is wrong with it at once: `file: key: problem (suggestion)`."""

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from endpoints.config.board import KINDS, Board
from endpoints.config.people import Directory, People
from endpoints.config.problems import sentences
from endpoints.config.site import Site, Tls
from endpoints.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that one device was told."""

    board: Board
    site: Site
    directory: Directory
    """What its people file says; empty for a device that calls nobody by flat number, or is told by a server."""


def load_board(path: Path) -> Board:
    """The board file at `path`. Raises ConfigError with all its problems."""
    board = _load(path, Board)
    _raise(f"{path}: {problem}" for problem in _unknown_devices(board))
    return board


def load_people(path: Path) -> Directory:
    """What the people file at `path` says. Raises ConfigError with all its problems."""
    return _load(path, People).directory()


def load_site(path: Path) -> Site:
    """The site file at `path`, its paths made absolute. Raises ConfigError with all its problems."""
    problem = _exposed(path)
    try:
        site = _located(_load(path, Site), Path(path).absolute().parent)
    except ConfigError as error:
        raise ConfigError("\n".join(filter(None, [problem, str(error)]))) from None
    _raise([problem] if problem else _missing_files(path, site))
    return site


def load_endpoint(board_path: Path, site_path: Path, kind: str) -> Configuration:
    """Board, site and, where the site names them, people of a device of `kind`.

    Raises ConfigError with the problems of all three files at once.
    """
    problems: list[str] = []
    board = _collect(problems, load_board, board_path)
    site = _collect(problems, load_site, site_path)
    directory = _collect(problems, load_people, site.people) if site and site.people else Directory()
    if board and site:
        problems += _mismatches(board, site, board_path, site_path, kind)
    _raise(problems)
    return Configuration(board, site, directory)


def _collect(problems: list[str], load: Any, path: Path) -> Any:
    try:
        return load(path)
    except ConfigError as error:
        problems.append(str(error))
        return None


def _mismatches(board: Board, site: Site, board_path: Path, site_path: Path, kind: str) -> Iterable[str]:
    if board.kind != kind:
        yield f"{board_path}: board.kind: is {board.kind!r}, started as {kind!r} (start `intercom {board.kind}`)"
    if kind == "door-station" and site.people is None and site.directory is None:
        yield f'{site_path}: people: a door station needs its people file (people = "people.toml") or a [directory]'
    if kind != "door-station" and site.sip.registrar is None:
        server = "the management server (R1)" if kind == "management-console" else "its HomeLink (R2)"
        yield f"{site_path}: sip.registrar: a {kind} registers at {server}; name it"


def _load(path: Path, model: type[Model]) -> Model:
    data = read_toml(path)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in sentences(error, model, data))) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _unknown_devices(board: Board) -> Iterable[str]:
    known = KINDS[board.kind]
    for name in board.devices:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it may have: {', '.join(known)}"
            yield f"devices.{name}: a {board.kind} has no such device ({hint})"


def _exposed(path: Path) -> str:
    try:
        mode = Path(path).stat().st_mode & 0o777
    except OSError:
        return ""
    return f"{path}: holds secrets but has mode {mode:04o} (run: chmod 600 {path})" if mode & 0o077 else ""


def _located(site: Site, folder: Path) -> Site:
    cloud = site.cloud and site.cloud.model_copy(update={"tls": _located_tls(site.cloud.tls, folder)})
    people = site.people and folder / site.people
    here = {"tls": _located_tls(site.tls, folder), "cloud": cloud, "people": people, "data": folder / site.data}
    return site.model_copy(update=here)


def _located_tls(tls: Tls | None, folder: Path) -> Tls | None:
    return tls and tls.model_copy(update={key: folder / path for key, path in tls})


def _missing_files(path: Path, site: Site) -> Iterable[str]:
    for table, tls in (("tls", site.tls), ("cloud.tls", site.cloud and site.cloud.tls)):
        for key, file in tls or ():
            if not file.is_file():
                yield f"{path}: {table}.{key}: there is no file {file} (`intercom community issue` makes certificates)"


def _raise(problems: Iterable[str]) -> None:
    text = "\n".join(problems)
    if text:
        raise ConfigError(text)
