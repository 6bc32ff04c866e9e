"""What holds for every service port."""

from hal.service_port import ServicePort
from tests.hal.contracts.bench import Bench


def test_events_go_out_and_questions_are_answered_any_time(bench: Bench) -> None:
    port: ServicePort = bench.device
    port.provide("state", lambda: {"state": "idle"})
    for number in range(100):
        port.publish("unlock", {"number": number, "granted": True, "reason": None, "people": ["Chen", "Müller"]})
    port.provide("state", lambda: {"state": "calling"})


def test_a_service_port_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    bench.device.publish("state", {})
    bench.device.close()
    bench.device.close()
    again: ServicePort = bench.again()
    again.publish("state", {})
    again.close()
