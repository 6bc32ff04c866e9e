"""The community's own certificate authority: who belongs to it, and in which role."""

from servers.community.main import main

__all__ = ["main"]
