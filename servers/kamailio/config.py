"""The configuration file that Kamailio reads: listen lines, tokens and the shared fragments, in a run folder."""

import re
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from servers.errors import KamailioError

Transport = Literal["udp", "tcp", "tls"]

LAMP = resources.files(__package__).joinpath("lamp.cfg")
"""Of servers that keep what visitors leave."""
SHARED = ("base.cfg", "routes.cfg", "ring.cfg", "upstream.cfg", "records.cfg")
SPARE_FILES = 256
"""Sockets between its processes, databases, the log."""
_TOKEN = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
_UNSAFE = re.compile(r'["!\\\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that Kamailio serves."""

    transport: Transport
    address: str
    port: int
    advertised: str = ""
    """``host:port`` under which others reach it, where a router passes on to it; "" for the address itself."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the community's authority, and this server's own certificate and key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a copy of every SIP message goes, as HEP 3 over UDP."""

    collector: str
    """``127.0.0.1:9060``"""
    number: int
    """Tells the collector which server it was."""
    sender: Listener | None = None
    """Where the copies are sent from; None: from the server's own UDP listener."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much one server can hold at a time; by default what a home needs."""

    connections: int = 256
    shared_megabytes: int = 64
    """For registrations, connections and calls; a page costs nothing until something is kept in it."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes that serve as one, as one of them sees it; all over the same transport."""

    own: Listener
    others: Sequence[Listener]

    @property
    def place(self) -> str:
        """``10.0.0.2:5061``, which is this node's name."""
        return _place(self.own)

    @property
    def other_uris(self) -> list[str]:
        """``sip:10.0.0.3:5061;transport=tls``"""
        return [f"sip:{_place(other)};transport={other.transport}" for other in self.others]

    @property
    def tokens(self) -> dict[str, str]:
        """Values for cluster.cfg."""
        return {
            "NODE_PLACE": self.place,
            "CLUSTER_PROTO": self.own.transport,
            "OTHER_PLACES": "|".join(_place(other).replace(".", "[.]") for other in self.others),
            "OTHER_HOSTS": "|".join(other.address.replace(".", "[.]") for other in self.others),
        }

    @property
    def notified(self) -> list[str]:
        """Lines that tell whom to ask for everything that the cluster knows."""
        return [f'modparam("dmq", "notification_address", "{uri}")' for uri in self.other_uris]


def _place(listener: Listener) -> str:
    return str(listener).partition(":")[2]


@dataclass(frozen=True, slots=True)
class KamailioConfig:
    """What makes one server: its listeners, its own routes, and a value for every token of the fragments."""

    name: str
    """For the log: ``homelink``."""
    run_folder: Path
    listeners: Sequence[Listener]
    role: Traversable
    """The fragment with this server's request_route."""
    tokens: Mapping[str, str]
    tls: TlsFiles | None = None
    more: Sequence[Traversable] = ()
    """Further fragments of this server, after `role`."""
    defines: Sequence[str] = ()
    """Switches of the fragments: ``WITH_UPSTREAM``."""
    probe_user: str = field(default="", repr=False)
    """An OPTIONS to this user is answered before anything else: the supervisor's own question."""
    trace: Trace | None = None
    capacity: Capacity = Capacity()
    nodes: Nodes | None = None
    above: Sequence[str] = ()
    """URIs of the nodes of the server above, in the order of preference."""

    def write(self) -> Path:
        """Write kamailio.cfg and tls.cfg into the run folder, mode 0600; gives the path of the first.

        Raises KamailioError for a value that cannot stand in a Kamailio configuration.
        """
        self.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.tls is not None:
            _write_private(self.run_folder / "tls.cfg", tls_config(self.tls))
        if self._dispatches:
            _write_private(self.run_folder / "dispatcher.list", self.dispatcher_list())
        path = self.run_folder / "kamailio.cfg"
        _write_private(path, self.text())
        return path

    @property
    def _dispatches(self) -> bool:
        return self.nodes is not None or len(self.above) > 1

    def dispatcher_list(self) -> str:
        """Who is asked every second whether it is there: 1 the other nodes, 2 those above, the first one first."""
        others = self.nodes.other_uris if self.nodes else []
        lines = [f"1 {uri} 0 0 {self._from(uri)}" for uri in others]
        lines += [f"2 {uri} 0 {len(self.above) - turn} {self._from(uri)}" for turn, uri in enumerate(self.above)]
        return "\n".join(lines) + "\n"

    def _from(self, uri: str) -> str:
        """The listener that asks there."""
        own = next((one for one in self.listeners if uri.endswith(f"transport={one.transport}")), None)
        return f"socket={own}" if own and own.address not in ("0.0.0.0", "::") else ""

    def text(self) -> str:
        """kamailio.cfg as one file that a person can read: every fragment is copied in."""
        shared = resources.files(__package__)
        fragments = [shared.joinpath(name).read_text("utf-8") for name in SHARED]
        fragments += [fragment.read_text("utf-8") for fragment in (self.role, *self.more)]
        tokens = dict(self.tokens) | {"PROBE_USER": self.probe_user, "RPC_SOCKET": "rpc.sock"}
        tokens |= _capacity_tokens(self.capacity)
        if self.tls is not None:
            tokens["TLS_CONFIG"] = str(self.run_folder / "tls.cfg")
        if self.trace is not None:
            tokens |= _trace_tokens(self.trace)
            fragments.insert(1, shared.joinpath("trace.cfg").read_text("utf-8"))
        lines = [f"# {self.name}: written at each start, changes are lost"]
        if self._dispatches:
            tokens["DISPATCHER_LIST"] = str(self.run_folder / "dispatcher.list")
            lines += ["#!define WITH_DISPATCHER"]
        if self.nodes is not None:
            tokens |= self.nodes.tokens
            lines += ["#!define WITH_CLUSTER"]
            fragments += [shared.joinpath("cluster.cfg").read_text("utf-8"), *self.nodes.notified]
        lines += ["#!define WITH_TLS"] if self.tls is not None else []
        lines += ["#!define WITH_STREAMS"] if {"tcp", "tls"} & {one.transport for one in self.listeners} else []
        lines += [f"#!define {name}" for name in self.defines]
        lines += [_substitution(token, value) for token, value in tokens.items()]
        lines += [_listen(listener) for listener in self.listeners]
        if self.trace and self.trace.sender:  # after the others: the first one is the default
            lines += ["#!define WITH_TRACE_SENDER", f"listen={self.trace.sender}"]
        return "#!KAMAILIO\n" + "\n".join([*lines, *fragments])


def tls_config(tls: TlsFiles) -> str:
    """tls.cfg: a client may come without a certificate; one that it shows must be signed by our authority."""
    files = {"private_key": tls.key, "certificate": tls.certificate, "ca_list": tls.authority}
    lines = "".join(f"{key} = {_safe(key, str(path))}\n" for key, path in files.items())
    common = f"method = TLSv1.2+\nverify_certificate = yes\nverify_depth = 1\n{lines}"
    return (
        f"[server:default]\n{common}require_certificate = no\n\n[client:default]\n{common}require_certificate = yes\n"
    )


def _listen(listener: Listener) -> str:
    return f"listen={listener} advertise {listener.advertised}" if listener.advertised else f"listen={listener}"


def _trace_tokens(trace: Trace) -> dict[str, str]:
    tokens = {"TRACE_COLLECTOR": trace.collector, "TRACE_NUMBER": str(trace.number)}
    return tokens | ({"SENDER_PORT": str(trace.sender.port)} if trace.sender else {})


def _capacity_tokens(capacity: Capacity) -> dict[str, str]:
    """More open files than the system lets us have would be refused at the start."""
    wanted, most = capacity.connections + SPARE_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    return {"MAX_CONNECTIONS": str(capacity.connections), "OPEN_FILES": str(files)}


def _substitution(token: str, value: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise KamailioError(f"{token!r} is no token: capitals with underscores are")
    return f'#!substdef "!{token}!{_safe(token, value)}!g"'


def _safe(name: str, value: str) -> str:
    if _UNSAFE.search(value):
        raise KamailioError(f"{name} = {value!r} cannot stand in a Kamailio configuration (quote, ! or \\)")
    return value


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
