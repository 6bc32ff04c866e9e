"""A door station that sends the same amount every second, for measuring what passes it on: `python -m` this module.

Each message of its WebSocket is a time stamp and as many bytes as a picture of that bit rate has. It asks for no token.
"""

import argparse
import asyncio
import os
import ssl
import time

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

RATE = 25


async def _send(connection: ServerConnection, size: int) -> None:
    content, due = os.urandom(size), time.monotonic()
    try:
        while True:
            await connection.send((time.time_ns() // 1000).to_bytes(8, "big") + content)
            due += 1 / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    except ConnectionClosed:
        return


async def _run(wanted: argparse.Namespace) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(wanted.certificate, wanted.key)
    size = wanted.kbit * 1000 // 8 // RATE
    async with serve(
        lambda connection: _send(connection, size), wanted.address, wanted.port, ssl=context, compression=None
    ):
        print("source serves", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--kbit", type=int, default=2000)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
