"""Checks a board's devices against the backends that are installed, without opening any device."""

import difflib
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from endpoints.config.board import KINDS, Board
from hal.errors import BackendNotFound, DeviceUnavailable
from hal.registry import backends, find_backend


def device_problems(board: Board) -> Iterator[str]:
    """Unknown backends, and options that a backend does not take: `devices.NAME.KEY: problem (suggestion)`."""
    for name, device in board.devices.items():
        ability = KINDS[board.kind][name]
        try:
            factory = find_backend(ability, device.backend)
        except BackendNotFound:
            yield f"devices.{name}.backend: {_no_backend(ability, device.backend)}"
        except DeviceUnavailable:
            continue
        else:
            yield from (
                f"devices.{name}.{problem}"
                for problem in _option_problems(factory, device.backend, board.options(name))
            )


def device_notes(board: Board) -> Iterator[str]:
    """Devices whose options cannot be checked here, because a library of their backend is not installed."""
    for name, device in board.devices.items():
        try:
            find_backend(KINDS[board.kind][name], device.backend)
        except BackendNotFound:
            continue
        except DeviceUnavailable as error:
            yield f"devices.{name}: options not checked: {error}"


def _no_backend(ability: str, name: str) -> str:
    installed = backends(ability)
    near = difflib.get_close_matches(name, installed, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(installed) or 'none'}"
    return f"there is no {ability} backend {name!r} ({hint})"


def _option_problems(factory: Any, backend: str, options: Mapping[str, object]) -> Iterator[str]:
    parameters = inspect.signature(factory).parameters
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    hints = _hints(factory)
    for key, value in options.items():
        if key in parameters:
            yield from (f"{key}: {problem}" for problem in _type_problems(hints.get(key), value))
        elif not free:
            yield f"{key}: unknown option of backend {backend!r} ({_known(key, parameters)})"
    yield from _missing(parameters, backend, options)


def _missing(parameters: Mapping[str, inspect.Parameter], backend: str, options: Mapping[str, object]) -> Iterator[str]:
    for key, parameter in parameters.items():
        needed = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        )
        if needed and key not in options:
            yield f"{key}: is missing; backend {backend!r} needs it"


def _known(key: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    near = difflib.get_close_matches(key, parameters, n=1)
    return f"did you mean {near[0]!r}?" if near else f"its options: {', '.join(parameters) or 'none'}"


def _hints(factory: Any) -> dict[str, Any]:
    """The types of the options, as far as the factory names types that exist at run time."""
    try:
        return typing.get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    except NameError:
        return {}


def _type_problems(annotation: Any, value: object) -> Iterator[str]:
    if annotation is None:
        return
    try:
        TypeAdapter(annotation, config=ConfigDict(strict=False)).validate_python(value)
    except PydanticSchemaGenerationError:
        return  # a parameter for tests, such as a factory object, has a type that no TOML value can have
    except ValidationError as error:
        yield error.errors()[0]["msg"].replace("Input should", "should", 1)
