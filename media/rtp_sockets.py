"""The pair of UDP sockets of one video stream: RTP on an even port, RTCP on the next (RFC 3550, section 11)."""

import ipaddress
import socket

from media.errors import MediaError

Address = tuple[str, int]

RECEIVE_BUFFER = 1 << 20
"""Bytes asked for: a key frame is a burst of some fifty packets."""
_TRIES = 64


class NoPorts(MediaError, OSError):
    """No free pair of ports on this address."""


class RtpSockets:
    """Both sockets, bound and non-blocking."""

    def __init__(self, address: str, port: int = 0) -> None:
        """Bind `address` and the even `port`; 0 takes any free pair. Raises NoPorts."""
        self.address = address
        self.rtp, self.rtcp = _bind_pair(address, port)
        self.rtp_port: int = self.rtp.getsockname()[1]
        self.rtcp_port: int = self.rtcp.getsockname()[1]

    def close(self) -> None:
        """Free both ports; twice does no harm."""
        self.rtp.close()
        self.rtcp.close()


def receive(sock: socket.socket) -> tuple[bytes, Address] | None:
    """The next datagram that waits and where it came from, None without one or when the socket is closed."""
    while True:
        try:
            data, sender = sock.recvfrom(2048)
            return data, (sender[0], sender[1])
        except ConnectionError:  # an ICMP answer to what we sent to somebody; it takes nobody's packets away
            continue
        except OSError:
            return None


def _bind_pair(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    if port:
        return _bind_both(address, port)
    for _ in range(_TRIES):
        free = _bind(address, 0)
        even = free.getsockname()[1] & ~1
        free.close()
        try:
            return _bind_both(address, even)
        except NoPorts:
            continue
    raise NoPorts(f"no free pair of ports for RTP and RTCP on {address}")


def _bind_both(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    if port % 2:
        raise NoPorts(f"the RTP port has to be even, {port} is not")
    rtp = _bind(address, port)
    try:
        return rtp, _bind(address, port + 1)
    except NoPorts:
        rtp.close()
        raise


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if _is_ipv6(address) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise NoPorts(f"cannot bind UDP {address} port {port}: {error.strerror}") from error
    return sock


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError as error:
        raise NoPorts(f"{address!r} is not an IP address to bind") from error
