"""How a server's TOML site file is read: all problems at once, unknown keys refused with a suggestion."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from servers.errors import SiteError


class Section(BaseModel):
    """A table of the file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Section)


def load(path: Path, model: type[Model]) -> Model:
    """Read `path` into `model`; a field of type Path becomes absolute, relative ones count from the file's folder.

    Raises SiteError with every problem, one per line: file, key, what is wrong, what is meant.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SiteError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: is no TOML: {error}") from error
    try:
        return model.model_validate(values, context={"folder": path.absolute().parent})
    except ValidationError as error:
        problems = [f"{path}: {_describe(problem, model)}" for problem in error.errors()]
        raise SiteError("\n".join(problems)) from error


def _describe(problem: Any, model: type[BaseModel]) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place) or "file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(place, model)}"
    if problem["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}"


def _suggestion(place: list[str], model: type[BaseModel]) -> str:
    known = list(_section_at(place[:-1], model).model_fields)
    close = difflib.get_close_matches(place[-1], known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _section_at(place: list[str], model: type[BaseModel]) -> type[BaseModel]:
    for name in place:
        annotation = model.model_fields[name].annotation
        for candidate in (annotation, *get_args(annotation)):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return model
