"""PJSUA2's classes, told to call us: log, endpoint, account and the voice port. Callbacks only pass on plain values."""

import logging
from collections.abc import Callable
from typing import Any

from endpoints.sip.agent import VoicePath
from endpoints.sip.pjsua.library import guarded, pj
from endpoints.sip.pjsua.native import can_read_vectors, read_vector, transport_of, vector_address, write_vector
from hal.microphone import FRAME_SAMPLES, SAMPLE_RATE

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO}
_EXPECTED = ("PJMEDIA_EINVALIMEDIATYPE", "PJMEDIA_EUNSUPMEDIATYPE")
"""Said of each of our video sections: the library plans sound there."""
FRAME_BYTES = 2 * FRAME_SAMPLES
"""A frame of the voice path, s16le."""


class LogBridge(pj.LogWriter):  # type: ignore[misc]
    """PJSIP's own log, handed to Python's; whole messages are never logged (they carry keys)."""

    def __init__(self) -> None:
        super().__init__()
        self._log = logging.getLogger("pj")
        level = self._log.getEffectiveLevel()
        self.pj_level = 4 if level <= logging.DEBUG else 2

    @guarded
    def write(self, entry: Any) -> None:
        if not any(expected in entry.msg for expected in _EXPECTED):
            self._log.log(_LEVELS.get(entry.level, logging.DEBUG), "%s", entry.msg.strip())


class Endpoint(pj.Endpoint):  # type: ignore[misc]
    """The library; tells when a connection breaks, by its handle."""

    def __init__(self, on_disconnect: Callable[[int], None]) -> None:
        super().__init__()
        self._on_disconnect = on_disconnect

    @guarded
    def onTransportState(self, prm: Any) -> None:  # noqa: N802
        if prm.state == pj.PJSIP_TP_STATE_DISCONNECTED:
            self._on_disconnect(int(prm.hnd))


class Account(pj.Account):  # type: ignore[misc]
    """The account; tells what the registrar says and on which connection, and calls by number and INVITE."""

    def __init__(self, on_answer: Callable[[int, str, bool, int], None], on_call: Callable[[int, str], None]) -> None:
        super().__init__()
        self._on_answer = on_answer
        self._on_call = on_call

    @guarded
    def onRegState(self, prm: Any) -> None:  # noqa: N802
        received = prm.rdata.pjRxData
        connection = transport_of(int(received)) if received else 0
        self._on_answer(int(prm.code), str(prm.reason), int(prm.expiration) > 0, connection)

    @guarded
    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        self._on_call(int(prm.callId), str(prm.rdata.wholeMsg))


class VoicePort(pj.AudioMediaPort):  # type: ignore[misc]
    """The conference bridge's end of the voice path; its two callbacks run on the bridge's clock thread.

    The binding copies a frame byte by byte (0.5 ms); if its vectors are laid out as usual, we copy in one piece.
    """

    def __init__(self, voice: VoicePath) -> None:
        super().__init__()
        self._voice = voice
        self._frame = pj.ByteVector(bytes(FRAME_BYTES))
        in_one_piece = can_read_vectors(pj.ByteVector)
        self._address = vector_address(self._frame) if in_one_piece else 0
        self._read = read_vector if in_one_piece else bytes
        shape = pj.MediaFormatAudio()
        shape.init(pj.PJMEDIA_FORMAT_PCM, SAMPLE_RATE, 1, 20_000, 16)
        self.createPort("voice", shape)

    @guarded
    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = self._filled(self._voice.capture())

    @guarded
    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802
        if frame.size == FRAME_BYTES:
            self._voice.play(self._read(frame.buf))

    def _filled(self, sound: bytes) -> Any:
        if not self._address or len(sound) != FRAME_BYTES:
            return pj.ByteVector(sound)
        write_vector(self._address, sound)
        return self._frame
