"""Finds the backend of a device by its entry point and opens the device with the options of the board file.

A backend is a class (or any callable) registered in the entry-point group ``intercom.hal.<ability>`` and called with
the options as keywords. Its module is imported only when it is asked for, so this module stays cheap to import.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hal.errors import BackendNotFound, DeviceUnavailable, HalError

GROUP = "intercom.hal."
ABILITIES = (
    "camera",
    "microphone",
    "speaker",
    "relay",
    "keypad",
    "button",
    "contact",
    "indicator",
    "display",
    "service_port",
)

Factory = Callable[..., Any]


def backends(ability: str) -> list[str]:
    """The names of the installed backends of `ability`, sorted. Raises HalError for an unknown ability."""
    return sorted(_entry_points(ability))


def find_backend(ability: str, name: str) -> Factory:
    """The factory registered as `name`; imports its module.

    Raises BackendNotFound (lists the installed ones) or DeviceUnavailable (a library it needs is missing here).
    """
    installed = _entry_points(ability)
    if name not in installed:
        raise BackendNotFound(f"{ability} has no backend {name!r}; installed: {_listed(installed)}.")
    try:
        factory: Factory = installed[name].load()
    except (ImportError, OSError) as error:
        raise DeviceUnavailable(f"{ability} backend {name!r} cannot be used here: {error}.") from error
    return factory


def open_device(ability: str, backend: str, options: Mapping[str, Any]) -> Any:
    """Open a device: `options` are the keywords of the backend, as in the board file.

    Raises BackendNotFound, DeviceUnavailable (not here, busy, library missing) or HalError (options do not fit).
    """
    factory = find_backend(ability, backend)
    _check_options(ability, backend, factory, options)
    try:
        return factory(**options)
    except HalError:
        raise
    except (ImportError, OSError) as error:
        raise DeviceUnavailable(f"{ability} backend {backend!r} cannot open its device: {error}.") from error
    except (ValueError, TypeError) as error:
        raise HalError(f"{ability} backend {backend!r} has an option that does not fit: {error}.") from error


def _entry_points(ability: str) -> dict[str, EntryPoint]:
    if ability not in ABILITIES:
        raise HalError(f"There is no ability {ability!r}; the abilities are {_listed(ABILITIES)}.")
    return {point.name: point for point in entry_points(group=GROUP + ability)}


def _check_options(ability: str, backend: str, factory: Factory, options: Mapping[str, Any]) -> None:
    signature = inspect.signature(factory)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = _listed(signature.parameters) if signature.parameters else "none"
        raise HalError(f"{ability} backend {backend!r}: {error}; its options are {known}.") from error


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
