"""Whose connection it is that arrives from an address on loopback."""

import os
import socket

from sim.owners import owner


def test_a_connection_belongs_to_the_process_that_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        address = client.getsockname()
        assert owner(address, {1 << 22: "nobody", os.getpid(): "us"}) == "us"
        assert owner(address, {}) == ""
    assert owner(("127.0.0.1", 1), {os.getpid(): "us"}) == ""
