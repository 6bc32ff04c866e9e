"""Turns what pydantic found into lines for a person: `key: problem (suggestion)`, never with the value of a secret."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails


def sentences(error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]) -> Iterator[str]:
    """One line for each problem in `error`, found while `data` was read as `model`."""
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
        text, hint = _explain(detail, model, data)
        yield (f"{key}: " if key else "") + text + (f" ({hint})" if hint else "")


def _explain(detail: ErrorDetails, model: type[BaseModel], data: Mapping[str, Any]) -> tuple[str, str]:
    match detail["type"]:
        case "extra_forbidden":
            known = _keys_at(model, detail["loc"][:-1])
            return "unknown key", _near(str(detail["loc"][-1]), known)
        case "missing":
            return "is missing", ""
        case "literal_error":
            expected = str(detail.get("ctx", {}).get("expected", ""))
            return f"must be {expected}", _similar(_value_at(data, detail["loc"]), re.findall(r"'([^']*)'", expected))
        case "value_error":
            return str(detail["ctx"]["error"]), ""
        case _:
            return _lower(detail["msg"]), ""


def _lower(message: str) -> str:
    return message.replace("Input should", "should", 1)


def _near(word: str, known: list[str]) -> str:
    return _similar(word, known) or (f"known here: {', '.join(known)}" if known else "")


def _similar(word: object, known: list[str]) -> str:
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _value_at(data: Any, path: tuple[int | str, ...]) -> object:
    for part in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(str(part))
    return data


def _keys_at(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at `path` may have."""
    if not path:
        return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
    for inner in _inside(model, str(path[0])):
        if keys := _keys_at(inner, path[1:]):
            return keys
    return []


def _inside(model: Any, key: str) -> list[Any]:
    """The types that the value of `key` in `model` may have."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(key)
        return _unfolded(field.annotation) if field else []
    if get_origin(model) is dict:
        return _unfolded(get_args(model)[1])
    return []


def _unfolded(annotation: Any) -> list[Any]:
    if annotation is SecretStr or annotation is type(None):
        return []
    if get_origin(annotation) is Annotated:
        return _unfolded(get_args(annotation)[0])
    if get_origin(annotation) is dict or isinstance(annotation, type):
        return [annotation]
    return [inner for part in get_args(annotation) for inner in _unfolded(part)]
