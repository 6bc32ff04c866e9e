"""Where what visitors leave for a flat is handed in."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Deposit:
    """A home's server, and what lets one deposit there."""

    url: str
    """``https://host:port``"""
    token: str = field(repr=False)
