"""The files of an endpoint: board (wiring), site (accounts, timers, codes) and people (whom a flat number calls)."""

from endpoints.config.board import KINDS, Board, Device, Lock
from endpoints.config.load import Configuration, load_board, load_endpoint, load_people, load_site
from endpoints.config.people import Directory, Flat, Guard, Stage, StageName
from endpoints.config.site import Site, Timers

__all__ = [
    "KINDS",
    "Board",
    "Configuration",
    "Device",
    "Directory",
    "Flat",
    "Guard",
    "Lock",
    "Site",
    "Stage",
    "StageName",
    "Timers",
    "load_board",
    "load_endpoint",
    "load_people",
    "load_site",
]
