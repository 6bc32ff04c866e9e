"""The part of a site file about what visitors leave."""

from typing import Annotated

from pydantic import Field, SecretStr

from servers.kamailio.site import SitePath
from servers.sitefile import Section


class MessagesSection(Section):
    """[messages]: what visitors leave, for each home that this server keeps it for (V5). Needs [http]."""

    days: int = Field(default=90, ge=1, le=3650)
    """How long it is kept at most; a home may wish it shorter."""
    megabytes: int = Field(default=2000, ge=1)
    """Room of each home. When it is full, pictures and what was seen give way, oldest first; no unseen message does."""
    largest: int = Field(default=200, ge=1)
    """Megabytes of one item."""
    folder: SitePath | None = None
    """Where the messages lie instead of in the data folder: the nodes of a server of several share it."""
    keys: SitePath | None = None
    """Folder of the homes' keys; without it they lie beside the messages."""


class HomeMessagesSection(MessagesSection):
    """[messages] of a HomeLink."""

    token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """With it a door deposits here; without it the directory of the management server tells which."""
