"""Requests made from a service's own description, so that a page which is added is tried by itself."""

import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from endpoints.service import Service
from tests.servers.http.services import Web

LIMIT = 60.0
FEW = 3
"""Examples of each request, always the same ones."""
EVENTS = "text/event-stream"
Case = schemathesis.Case[Any]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]


@dataclass(frozen=True)
class Reply:
    """What came of a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Of an endless one its first event."""


class Client:
    """One who asks over a connection that is kept, with whatever login."""

    def __init__(self, service: Service, login: str = "") -> None:
        """`login` is the value of Authorization, instead of the service's."""
        place = urlsplit(service.url)
        context = ssl.create_default_context(cafile=str(service.authority))
        if service.certificate:
            context.load_cert_chain(service.certificate, service.key)
        self._login = {"Authorization": login} if login else service.login()
        self._connection = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=LIMIT, context=context)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Once; again if the connection has been idle for too long."""
        try:
            return self._ask(method, path, headers, body)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.close()
            return self._ask(method, path, headers, body)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        self._connection.request(method, path, body, {**headers, **self._login})
        answer = self._connection.getresponse()
        if answer.getheader("Content-Type", "").startswith(EVENTS):
            content = answer.readline() + answer.readline()
            self.close()
        else:
            content = answer.read()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def send(self, case: Case, path: str = "") -> Reply:
        """What schemathesis made, at another path if one is given."""
        made = requests.Request(**case.as_transport_kwargs(base_url="https://home")).prepare()
        headers = {name: str(value) for name, value in made.headers.items() if name.lower() != "authorization"}
        body: Any = made.body.encode("utf-8", "surrogatepass") if isinstance(made.body, str) else made.body
        _, mark, query = made.path_url.partition("?")
        return self.ask(made.method or "", path + mark + query if path else made.path_url, headers, body)

    def close(self) -> None:
        self._connection.close()


def operations(web: Web) -> Iterator[Operation]:
    """Every request that the service describes."""
    described = json.loads(web.get("/openapi.json").body)
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def each_case(cases: st.SearchStrategy[Case], number: int, check: Callable[[Case], None]) -> None:
    """Check so many; 0 is a few, always the same."""
    limits = settings(
        max_examples=number or FEW,
        derandomize=not number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    limits(given(cases)(check))()
