"""The HTTP service of every server, beside SIP: records and directory, for the same accounts and certificates."""

from servers.http.service import HttpService, Pages

__all__ = ["HttpService", "Pages"]
