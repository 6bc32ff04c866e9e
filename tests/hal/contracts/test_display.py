"""What holds for every display."""

from hal.display import Display, Scene
from hal.mock import grey
from tests.hal.contracts.bench import Bench

SCENES = (
    Scene("Flat 301"),
    Scene("Gate 1 is calling", "Answer or decline", ("answer", "decline", "unlock"), live=True),
    Scene("In call", "00:12", ("unlock", "mute", "hangup"), live=True),
    Scene("Missed call", "Gate 1", ("dnd", "call")),
)


def test_scenes_and_pictures_come_in_any_order_and_size(bench: Bench) -> None:
    display: Display = bench.device
    display.picture(grey(64, 48))
    for scene in SCENES:
        display.show(scene)
        for size in ((64, 48), (48, 64), (640, 480)):
            display.picture(grey(*size))


def test_a_display_may_be_closed_twice_and_opened_again(bench: Bench) -> None:
    bench.device.show(SCENES[1])
    bench.device.close()
    bench.device.close()
    again: Display = bench.again()
    again.show(SCENES[0])
    again.close()
