"""How many sockets the library may open, and which address is ours."""

from endpoints.sip.route import host_of, local_address
from endpoints.sip.sockets import LINGER, SocketBudget


def test_sockets_come_back_after_they_lingered() -> None:
    now = [0.0]
    budget = SocketBudget(8, lambda: now[0])
    budget.open(4)
    assert budget.has_room(4)
    assert not budget.has_room(5)
    budget.close(4)
    assert not budget.has_room(5)
    assert budget.try_briefly(4)
    assert not budget.try_briefly(2)
    now[0] = LINGER + 0.01
    assert budget.has_room(8)


def test_address_towards_a_registrar() -> None:
    assert host_of("sip:home@127.0.0.1:5061;transport=tls") == "127.0.0.1"
    assert host_of("sips:[::1]:5061") == "::1"
    assert host_of(None) == ""
    assert local_address("sip:127.0.0.1:5060") == "127.0.0.1"
    assert local_address("sip:no.such.host.invalid") == ""
