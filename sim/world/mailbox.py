"""What visitors left for a home, as one more device of that home gets it from the server that keeps it."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sim.world.errors import NoAnswer, NotThere

LIMIT = 10.0
"""Seconds that a server may take."""
NEWEST = 50
"""Messages and pictures that are listed."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The account of such a device. Raises NoAnswer while the server says nothing, NotThere for what is not there."""

    url: str
    user: str
    password: str = field(repr=False)
    authority: Path | None = None
    """PEM: who signed the server's certificate; None where HTTP is plain."""

    async def listed(self) -> list[dict[str, Any]]:
        """Messages and pictures, newest first, as the server tells them."""
        answer = await self._ask("/messages", limit=NEWEST)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def content(self, identifier: str) -> tuple[bytes, str]:
        """The film or the picture, and its media type."""
        return await self._file(identifier, "content")

    async def thumbnail(self, identifier: str) -> tuple[bytes, str]:
        """A small picture of it, and its media type."""
        return await self._file(identifier, "thumbnail")

    async def _file(self, identifier: str, name: str) -> tuple[bytes, str]:
        answer = await self._ask(f"/messages/{identifier}/{name}")
        return answer.content, answer.headers["Content-Type"]

    async def _ask(self, path: str, **query: int) -> httpx.Response:
        verify = ssl.create_default_context(cafile=str(self.authority)) if self.authority else True
        login = httpx.BasicAuth(self.user, self.password)
        try:
            async with httpx.AsyncClient(base_url=self.url, auth=login, verify=verify, timeout=LIMIT) as client:
                answer = await client.get(path, params=query)
        except httpx.HTTPError as error:
            raise NoAnswer(f"{self.url} gives no answer: {error or type(error).__name__}") from error
        if answer.status_code == 404:
            raise NotThere(f"there is nothing at {path}")
        if answer.is_error:
            raise NoAnswer(f"{self.url} answers {answer.status_code}: {answer.text[:200]}")
        return answer
