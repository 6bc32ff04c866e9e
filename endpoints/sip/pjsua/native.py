"""The few functions of PJSIP's C library that its Python binding leaves out, called through ctypes.

The binding's shared library exports them; nothing else of ctypes is used for SIP. PJSUA2 has no way to answer an INFO
(the peer would get "500 Unhandled by dialog usages") and shows a session description only up to 1024 bytes.
"""

import ctypes
import logging
from typing import Any

log = logging.getLogger(__name__)
_LARGEST_SDP = 16_384
_TERMINATED = 487


class _Text(ctypes.Structure):
    """``pj_str_t``"""

    _fields_ = (("text", ctypes.c_char_p), ("length", ctypes.c_ssize_t))

    @classmethod
    def of(cls, text: str) -> "_Text":
        encoded = text.encode()
        return cls(encoded, len(encoded))


class NativeLibrary:
    """Functions of the already loaded binding at `path`; all must be called on the thread that polls PJSIP."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        self._dialog_of = self._function("pjsip_rdata_get_dlg", ctypes.c_void_p, 1)
        self._respond = self._function("pjsip_dlg_respond", ctypes.c_int, 6)
        self._print_sdp = self._function("pjmedia_sdp_print", ctypes.c_int, 3)
        self._calls = self._function("pjsua_call_get_count", ctypes.c_uint, 0)
        self._most_calls = self._function("pjsua_call_get_max_count", ctypes.c_uint, 0)
        self._find_dialog = self._function("pjsip_ua_find_dialog", ctypes.c_void_p, 4)
        self._session_of = self._function("pjsip_dlg_get_inv_session", ctypes.c_void_p, 1)
        self._terminate = self._function("pjsip_inv_terminate", ctypes.c_int, 3)
        self._use = self._function("pjsip_transport_add_ref", ctypes.c_int, 1)
        self._leave = self._function("pjsip_transport_dec_ref", ctypes.c_int, 1)

    def _function(self, name: str, result: Any, arguments: int) -> Any:
        function = getattr(self.library, name, None)
        if function is None:
            log.warning("this build of pjsua2 does not export %s", name)
            return None
        function.restype = result
        function.argtypes = [ctypes.c_void_p] * arguments
        if name == "pjsip_dlg_respond":
            function.argtypes[2] = ctypes.c_int
        if name == "pjmedia_sdp_print":
            function.argtypes[2] = ctypes.c_size_t
        return function

    def has_place(self) -> bool:
        """Whether the library, which was built for few calls at a time, has a place for one more."""
        return not (self._calls and self._most_calls) or self._calls() < self._most_calls()

    def forget_call(self, call_id: str, local_tag: str) -> bool:
        """End the call that we began and that nobody has answered in any way, without another message."""
        if not (self._find_dialog and self._session_of and self._terminate):
            return False
        words = [_Text.of(each) for each in (call_id, local_tag, "")]
        dialog = self._find_dialog(*map(ctypes.addressof, words), 0)
        session = self._session_of(dialog) if dialog else None
        return bool(session) and self._terminate(session, _TERMINATED, 1) == 0

    def keep_connection(self, received: int) -> int:
        """Keep open what the ``pjsip_rx_data`` at address `received` came by; gives what `leave_connection` takes.

        The library closes a connection that no transaction and no registration uses after 33 s, and then nobody
        could send us anything in the call.
        """
        connection = transport_of(received)
        kept = bool(connection and self._use and self._leave) and self._use(connection) == 0
        return connection if kept else 0

    def leave_connection(self, connection: int) -> None:
        """Let it be closed; 0 is none."""
        if connection:
            self._leave(connection)

    def be_quiet(self) -> None:
        """Say nothing on standard output before the log is set up."""
        quiet = self._function("pj_log_set_level", None, 1)
        if quiet is not None:
            quiet(None)

    def respond(self, received: int, status: int) -> bool:
        """Answer the request inside a dialog whose ``pjsip_rx_data`` is at address `received`."""
        if self._dialog_of is None or self._respond is None or not received:
            return False
        dialog = self._dialog_of(received)
        return bool(dialog) and self._respond(dialog, received, status, None, None, None) == 0

    def session_description(self, session: int) -> str:
        """The text of the ``pjmedia_sdp_session`` at address `session`, "" if it cannot be printed."""
        if self._print_sdp is None or not session:
            return ""
        buffer = ctypes.create_string_buffer(_LARGEST_SDP)
        length = self._print_sdp(session, ctypes.addressof(buffer), _LARGEST_SDP)
        return buffer.raw[: max(length, 0)].decode("utf-8", "replace")


def transport_of(received: int) -> int:
    """Address of the transport on which the ``pjsip_rx_data`` at address `received` came: its second word."""
    return ctypes.c_uint64.from_address(received + ctypes.sizeof(ctypes.c_void_p)).value if received else 0
