"""All that was left for a home as one ZIP file, made while it is sent."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC

from servers.messages.errors import Unreadable
from servers.messages.items import Item
from servers.messages.store import MessageStore

_ENDINGS = {"video/mp4": "mp4", "image/jpeg": "jpg"}


class _Outgoing(io.RawIOBase):
    """A file that is taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # whatever zipfile writes
        self._written += piece
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._written)
        self._written.clear()
        return piece


def archive(store: MessageStore, home: str) -> Iterator[bytes]:
    """The file: one folder of films and pictures, and `messages.json` with what is known of them."""
    outgoing, listed = _Outgoing(), []
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_STORED) as packed:
        for item in store.all(home):
            try:
                content = store.content(home, item.id)
            except Unreadable as error:  # what is left of the others is wanted all the more
                listed.append(item.told() | {"missing": str(error)})
                continue
            listed.append(item.told() | {"file": _name(item)})
            entry = zipfile.ZipInfo(_name(item), item.started.astimezone(UTC).timetuple()[:6])
            with packed.open(entry, "w", force_zip64=True) as file:
                for piece in content.read():
                    file.write(piece)
                    yield outgoing.taken()
        packed.writestr("messages.json", json.dumps(listed, indent=1, ensure_ascii=False))
    yield outgoing.taken()


def _name(item: Item) -> str:
    began = item.started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"messages/{began}-{item.event or 'message'}-{item.id[:8]}.{_ENDINGS[item.filetype]}"
