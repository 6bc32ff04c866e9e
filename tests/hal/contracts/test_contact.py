"""What holds for every contact."""

from hal.contact import Contact
from tests.hal.contracts.bench import Bench
from tests.hal.heard import Heard


def test_every_change_is_told_with_the_new_state(bench: Bench) -> None:
    contact: Contact = bench.device
    heard = Heard()
    contact.listen(heard)
    states = [contact.open]
    for to in ("open", "shut", "open"):
        bench.press(to)
        states += [heard.next(), contact.open]
    assert states == [False, True, True, False, False, True, True]
    contact.close()
    assert heard.nothing()


def test_a_contact_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    assert bench.device.open in (True, False)
    bench.device.close()
    bench.device.close()
    bench.again().close()
