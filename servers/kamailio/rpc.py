"""Control of a running Kamailio: JSON-RPC 2.0 over its unix datagram socket."""

import itertools
import json
import os
import socket
from pathlib import Path
from typing import Any

from servers.errors import NotRunning, RpcError

_ANSWER_LIMIT = 1 << 20
_ids = itertools.count(1)


def call(path: Path, method: str, *parameters: object, timeout: float = 3.0) -> Any:
    """The result of one command: ``call(run / "rpc.sock", "htable.reload", "accounts")``.

    Raises NotRunning if nobody listens there, RpcError if the command is refused or not answered in time.
    """
    request = {"jsonrpc": "2.0", "method": method, "params": list(parameters), "id": next(_ids)}
    answer = json.loads(_exchange(path, json.dumps(request).encode(), timeout))
    if "error" in answer:
        raise RpcError(f"Kamailio refused {method}: {answer['error'].get('message', answer['error'])}")
    return answer.get("result")


def _exchange(path: Path, request: bytes, timeout: float) -> bytes:
    # A path through /proc stays under the 108 bytes of a unix address, however deep the data folder is.
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError as error:
        raise NotRunning(f"no server runs in {path.parent}") from error
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
            control.bind("")  # an abstract address of its own: leaves no file, and any user's server can answer it
            control.settimeout(timeout)
            control.connect(f"/proc/self/fd/{folder}/{path.name}")
            control.send(request)
            return control.recv(_ANSWER_LIMIT)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(f"no server runs in {path.parent}") from error
    except OSError as error:
        raise RpcError(f"the server in {path.parent} does not answer its control socket: {error}") from error
    finally:
        os.close(folder)
