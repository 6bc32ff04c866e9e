"""A line to a server that breaks when so many bytes have gone up, as a bad line does: in the middle of anything."""

import socket
import threading
from contextlib import suppress

_PIECE = 1 << 14


class BreakingLine:
    """Listens on loopback and passes on; each break closes the connection that is carrying the bytes, both ways."""

    def __init__(self, target: tuple[str, int], breaks: list[int]) -> None:
        """`breaks`: counts of bytes that went up, ascending."""
        self._target, self._breaks = target, list(breaks)
        self._listener = socket.create_server((target[0], 0))
        self.up = 0
        """Bytes that a device has sent, lost ones too."""
        self.broken = 0
        threading.Thread(target=self._accept, name="breaking-line", daemon=True).start()

    @property
    def port(self) -> int:
        """Where a device connects to."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                device, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(device,), daemon=True).start()

    def _carry(self, device: socket.socket) -> None:
        with device, socket.create_connection(self._target) as server:
            threading.Thread(target=_pass_on, args=(server, device), daemon=True).start()
            with suppress(OSError):
                while data := device.recv(_PIECE):
                    self.up += len(data)
                    if self._breaks and self.up >= self._breaks[0]:
                        self._breaks.pop(0)
                        self.broken += 1
                        break
                    server.sendall(data)
            for end in (server, device):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_PIECE):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
