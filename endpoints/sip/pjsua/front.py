"""Stands before PJSUA in PJSIP's chain of modules: early media of many screens is ours, and floods stay outside.

PJSUA follows one early dialog. It would build and tear down sound for each 183 in turn, and one branch whose
description it cannot use would make it cancel the whole call. So a module (``pjsip_module``, the library's published
way to see messages first) takes the body of every 1xx away; `CallProgress` reads the message's text. If the 2xx then
has no body (legal after a reliable 1xx, RFC 3262), the one that was taken is put in its place. A PRACK that a branch
refuses, because it was cancelled meanwhile, ends no call.

Each call opens sockets in a table of 64 that ends the process when it overflows: an INVITE that `admit` does not let in
gets 503 before PJSUA sees it.
"""

import ctypes
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from endpoints.sip.message import Message

log = logging.getLogger(__name__)
_BETWEEN_TRANSPORT_AND_TRANSACTIONS = 12
_KEPT_CALLS = 64
_RX_DATA_BYTES = 4600
"""No more than ``sizeof(pjsip_rx_data)``: its packet buffer alone has 4000 bytes."""
_BODY_OFFSET, _STATUS_OFFSET = 104, 8
"""Of ``pjsip_msg.body`` and ``pjsip_msg.line.status.code`` on 64-bit machines; checked before each use."""
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Text(ctypes.Structure):
    """``pj_str_t``"""

    _fields_ = (("ptr", ctypes.c_char_p), ("slen", ctypes.c_ssize_t))


class _Body(ctypes.Structure):
    """The beginning of ``pjsip_msg_body``"""

    _fields_ = (("type", _Text), ("subtype", _Text))


class _Module(ctypes.Structure):
    """``pjsip_module``"""

    _fields_ = (
        ("prev", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("name", _Text),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("unload", ctypes.c_void_p),
        ("on_rx_request", _CALLBACK),
        ("on_rx_response", _CALLBACK),
        ("on_tx_request", ctypes.c_void_p),
        ("on_tx_response", ctypes.c_void_p),
        ("on_tsx_state", ctypes.c_void_p),
    )


class FrontModule:
    """The module; must live as long as the library, and works on the thread that polls it."""

    def __init__(self, library: Any, admit: Callable[[], bool]) -> None:
        self._library = library
        self._admit = admit
        self._kept: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._endpoint = 0
        self._message_index = 0
        self._module = _Module(id=-1, priority=_BETWEEN_TRANSPORT_AND_TRANSACTIONS, name=_text(b"mod-front"))
        self._module.on_rx_request = _CALLBACK(self._on_request)
        self._module.on_rx_response = _CALLBACK(self._on_response)

    def install(self) -> None:
        """Join the library's chain; after ``libInit``. A build that exports too little goes on without it."""
        try:
            self._declare()
            self._endpoint = self._library.pjsua_get_pjsip_endpt()
            status = self._library.pjsip_endpt_register_module(self._endpoint, ctypes.byref(self._module))
        except AttributeError as error:
            log.warning("early media goes through PJSUA: this build does not export %s", error)
            return
        if status:
            log.warning("early media goes through PJSUA: error %d", status)

    def _declare(self) -> None:
        pointer, text = ctypes.c_void_p, ctypes.POINTER(_Text)
        for name, result, arguments in (
            ("pjsua_get_pjsip_endpt", pointer, []),
            ("pjsip_endpt_register_module", ctypes.c_int, [pointer, pointer]),
            ("pjsip_msg_body_create", pointer, [pointer, text, text, text]),
            (
                "pjsip_endpt_respond_stateless",
                ctypes.c_int,
                [pointer, pointer, ctypes.c_int, pointer, pointer, pointer],
            ),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def _on_request(self, received: int) -> int:
        try:
            return int(self._refuses(received))
        except Exception:
            log.exception("a request could not be looked at")
            return 0

    def _refuses(self, received: int) -> bool:
        text, _ = self._find_message(received, b"INVITE ")
        if not text or Message.parse(text).to_tag or self._admit():
            return False
        log.warning("too many calls at once: one more is refused")
        self._library.pjsip_endpt_respond_stateless(self._endpoint, received, 503, None, None, None)
        return True

    def _on_response(self, received: int) -> int:
        try:
            self._filter(received)
        except Exception:
            log.exception("an early description could not be kept from the library")
        return 0

    def _filter(self, received: int) -> None:
        text, parsed = self._find_message(received, b"SIP/2.0 ")
        message = Message.parse(text)
        if message.method == "PRACK" and message.status >= 300 and parsed:
            _forgive(parsed, message.status)
        if message.method != "INVITE" or message.status <= 100 or not parsed:
            return
        call = message.header("call-id")
        if message.status < 200:
            self._hide(message, call, parsed)
            return
        known = self._kept.pop(call, {}).get(message.to_tag)
        if known and message.status < 300 and not message.content_type:
            self._restore(known, _word(received), parsed)

    def _hide(self, message: Message, call: str, parsed: int) -> None:
        body = _word(parsed + _BODY_OFFSET)
        if not message.content_type or not body or not _is_body(body, message.content_type):
            return
        self._kept.setdefault(call, {})[message.to_tag] = message.sdp
        while len(self._kept) > _KEPT_CALLS:
            self._kept.popitem(last=False)
        _set_word(parsed + _BODY_OFFSET, 0)

    def _restore(self, description: str, pool: int, parsed: int) -> None:
        arguments = (_text(b"application"), _text(b"sdp"), _text(description.encode()))
        body = self._library.pjsip_msg_body_create(pool, *(ctypes.byref(one) for one in arguments))
        if body and _word(parsed + _BODY_OFFSET) == 0:
            _set_word(parsed + _BODY_OFFSET, body)

    def _find_message(self, received: int, start: bytes) -> tuple[str, int]:
        """Text and parsed form of the message in a ``pjsip_rx_data``, if it begins with `start`.

        Three of its fields follow each other behind the packet buffer: ``char *msg_buf; int len; pjsip_msg *msg``. So
        the last word that points into that buffer, at a start line, is the first of them.
        """
        words = memoryview(ctypes.string_at(received, _RX_DATA_BYTES)).cast("Q")
        self._message_index = self._message_index or _last_pointer_to_text(words, received)
        address, length, parsed = words[self._message_index : self._message_index + 3]
        offset = address - received
        if (
            not self._message_index
            or not 0 < offset < _RX_DATA_BYTES
            or not ctypes.string_at(address, 8).startswith(start)
        ):
            return "", 0
        return ctypes.string_at(address, length & 0xFFFF).decode("utf-8", "replace"), parsed


def _forgive(parsed: int, status: int) -> None:
    """Let a refused PRACK count as done: PJSUA would end the call for it.

    It was for a branch that was cancelled meanwhile, because another one answered.
    """
    code = ctypes.c_int.from_address(parsed + _STATUS_OFFSET)
    if code.value == status:
        code.value = 200


def _text(data: bytes) -> _Text:
    return _Text(data, len(data))


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _set_word(address: int, value: int) -> None:
    ctypes.c_uint64.from_address(address).value = value


def _is_body(address: int, content_type: str) -> bool:
    """Whether a ``pjsip_msg_body`` of this type is at `address`, which came out of a structure we did not declare."""
    length: int = _Body.from_address(address).type.slen
    return length == len(content_type.partition("/")[0])


def _last_pointer_to_text(words: "memoryview[int]", received: int) -> int:
    block = words.tobytes()
    for index in range(len(words) - 3, 0, -1):
        offset = words[index] - received
        if 0 < offset < len(block) and re.match(rb"SIP/2\.0 |[A-Z]+ sips?:", block[offset : offset + 40]):
            return index
    return 0
