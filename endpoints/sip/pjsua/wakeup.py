"""Wakes the thread that polls PJSIP when a command waits, so that it may sleep long and still act at once.

The reading end of a socket pair is registered in the library's own I/O queue, the way the library registers its
transports; a byte written to the other end ends the current poll.
"""

import contextlib
import ctypes
import logging
import socket
from typing import Any

log = logging.getLogger(__name__)
PJ_SUCCESS = 0
_OPERATION_KEY_BYTES = 512
"""More than ``sizeof(pj_ioqueue_op_key_t)``."""
_ON_READ = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t)


class _Callbacks(ctypes.Structure):
    """``pj_ioqueue_callback``"""

    _fields_ = (
        ("on_read_complete", _ON_READ),
        ("on_write_complete", ctypes.c_void_p),
        ("on_accept_complete", ctypes.c_void_p),
        ("on_connect_complete", ctypes.c_void_p),
    )


class Wakeup:
    """Made, opened and closed on the polling thread; `poke` may be called from any."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._sender, self._receiver = socket.socketpair()
        self._sender.setblocking(False)
        self._callbacks = _Callbacks(on_read_complete=_ON_READ(self._on_read))
        self._operation = ctypes.create_string_buffer(_OPERATION_KEY_BYTES)
        self._buffer = ctypes.create_string_buffer(64)
        self._key = ctypes.c_void_p()

    def open(self) -> bool:
        """Join the library's I/O queue; after ``libInit``. False if this build does not allow it."""
        try:
            self._declare()
        except AttributeError as error:
            log.warning("commands wait for the next poll: this build does not export %s", error)
            return False
        library = self._library
        queue = library.pjsip_endpt_get_ioqueue(library.pjsua_get_pjsip_endpt())
        pool = library.pjsua_pool_create(b"wakeup", 512, 512)
        status = library.pj_ioqueue_register_sock(
            pool, queue, self._receiver.detach(), None, ctypes.byref(self._callbacks), ctypes.byref(self._key)
        )
        if status == PJ_SUCCESS:
            self._listen()
        return bool(status == PJ_SUCCESS)

    def _declare(self) -> None:
        pointer, number, signed = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ssize_t
        for name, result, arguments in (
            ("pjsua_get_pjsip_endpt", pointer, []),
            ("pjsip_endpt_get_ioqueue", pointer, [pointer]),
            ("pjsua_pool_create", pointer, [ctypes.c_char_p, number, number]),
            ("pj_ioqueue_register_sock", ctypes.c_int, [pointer, pointer, ctypes.c_long, pointer, pointer, pointer]),
            ("pj_ioqueue_recv", ctypes.c_int, [pointer, pointer, pointer, ctypes.POINTER(signed), ctypes.c_uint]),
            ("pj_ioqueue_unregister", ctypes.c_int, [pointer]),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def _listen(self) -> None:
        """Ask for the next byte; what is there already is taken at once."""
        status = PJ_SUCCESS
        while status == PJ_SUCCESS:
            length = ctypes.c_ssize_t(len(self._buffer))
            status = self._library.pj_ioqueue_recv(self._key, self._operation, self._buffer, ctypes.byref(length), 0)
            if length.value == 0:
                return

    def _on_read(self, key: int, operation: int, count: int) -> None:
        if count > 0:
            self._listen()

    def poke(self) -> None:
        """End the poll that waits now, or the next one."""
        # A full buffer wakes as well; a closed one has nobody to wake.
        with contextlib.suppress(OSError):
            self._sender.send(b"\0")

    def close(self) -> None:
        """Leave the queue, before the library ends; the library closes its end of the pair."""
        if self._key:
            self._library.pj_ioqueue_unregister(self._key)
            self._key = ctypes.c_void_p()
        self._sender.close()
        self._receiver.close()
