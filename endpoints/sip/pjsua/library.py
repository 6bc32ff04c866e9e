"""PJSUA2 itself: the only file that imports pjsua2; the other files of this package take it from here."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import pjsua2 as pj
from pjsua2 import _pjsua2

from endpoints.sip.pjsua.native import NativeLibrary

__all__ = ["guarded", "native", "pj"]

log = logging.getLogger(__name__)
P = ParamSpec("P")
native = NativeLibrary(_pjsua2.__file__)
native.be_quiet()


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """A callback whose error is logged: one that reached the C library would abort the process."""

    @functools.wraps(callback)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            callback(*arguments, **named)
        except Exception:
            log.exception("a SIP callback failed")

    return run
