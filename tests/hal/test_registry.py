"""Finding and opening backends."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from hal import registry
from hal.errors import BackendNotFound, DeviceUnavailable, HalError
from hal.mock import MockKeypad, MockRelay
from hal.registry import ABILITIES, backends, find_backend, open_device


@pytest.mark.parametrize("ability", ABILITIES)
def test_every_ability_has_a_fake_and_a_real_backend(ability: str) -> None:
    assert "mock" in backends(ability)
    assert set(backends(ability)) - {"mock", "sim"}


@pytest.mark.parametrize("ability", ABILITIES)
def test_every_backend_that_is_named_can_be_imported_here(ability: str) -> None:
    for name in backends(ability):
        assert callable(find_backend(ability, name))


def test_a_backend_that_is_not_installed_is_refused_with_those_that_are() -> None:
    with pytest.raises(BackendNotFound, match="keypad has no backend 'gpioo'; installed: gpio, mock"):
        find_backend("keypad", "gpioo")


def test_an_unknown_ability_is_refused_with_the_known_ones() -> None:
    with pytest.raises(HalError, match=r"no ability 'relais'.*button, camera.*relay"):
        backends("relais")


def test_options_of_the_board_file_become_keywords() -> None:
    relay = open_device("relay", "mock", {"kind": "fail-safe"})
    assert isinstance(relay, MockRelay)
    assert relay.kind == "fail-safe"
    relay.close()


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(HalError, match=r"'pn'.*active_high, kind, pin"):
        open_device("relay", "gpio", {"pin": 17, "pn": 17})


def test_an_option_with_an_impossible_value_is_a_sentence() -> None:
    with pytest.raises(HalError, match="kind is fail-secure or fail-safe, not 'x'"):
        open_device("relay", "mock", {"kind": "x"})


def test_a_missing_device_is_an_error_and_never_a_fake(tmp_path: object) -> None:
    with pytest.raises(DeviceUnavailable, match=r"nowhere\.mp4 does not exist"):
        open_device("camera", "opencv", {"source": f"{tmp_path}/nowhere.mp4"})


def test_a_backend_whose_library_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "no_such_library:Camera", "intercom.hal.camera")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(DeviceUnavailable, match="'broken' cannot be used here: No module named 'no_such_library'"):
        find_backend("camera", "broken")


def test_opening_a_device_imports_its_own_backend_only() -> None:
    program = (
        "import sys; from hal.registry import open_device; open_device('keypad', 'mock', {}).close();"
        "print([m for m in ('cv2', 'numpy', 'gpiozero', 'sounddevice', 'PIL', 'hal.opencv') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_fake_is_opened_when_it_is_asked_for() -> None:
    assert isinstance(open_device("keypad", "mock", {}), MockKeypad)
