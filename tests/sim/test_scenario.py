"""Scenario files: every mistake is told with its line, and those that come with the simulator are in order."""

from pathlib import Path

import pytest

from sim.errors import SimError
from sim.main import main
from sim.scenario import bundled, load

GOOD = """title = "Somebody rings"

[[step]]
device = "door1"
type = "301#"
"""


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "one.toml"
    path.write_text(text)
    with pytest.raises(SimError) as told:
        load(str(path))
    return [line.removeprefix(f"{path}:") for line in str(told.value).splitlines()]


@pytest.mark.parametrize("name", bundled())
def test_what_comes_with_the_simulator_is_in_order(name: str) -> None:
    scenario = load(name)
    assert scenario.flow
    assert any(step.expect or step.hears or step.state or step.left for step in scenario.step), "it expects nothing"


def test_an_unknown_key_is_told_with_its_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD + 'presss = "call"\n') == ["6: presss: Extra inputs are not permitted"]


def test_a_step_that_is_nothing_or_two_things_is_told_with_its_line(tmp_path: Path) -> None:
    text = GOOD + '\n[[step]]\ndevice = "door1"\n\n[[step]]\ndevice = "door1"\npress = "call"\ntype = "1"\n'
    first, second = mistakes(tmp_path, text)
    assert first.startswith("7: a step is one of type, press")
    assert first.endswith("this one is none")
    assert second.startswith("10: a step is one of")
    assert second.endswith("not type and press at once")


def test_a_wrong_value_is_told_with_its_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD + "within = -1\n") == ["6: within: Input should be greater than 0"]


def test_no_toml_no_file_no_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no TOML" in mistakes(tmp_path, "title = \n")[0]
    with pytest.raises(SimError, match="cannot be read: No such file"):
        load(str(tmp_path / "none.toml"))
    with pytest.raises(SimError, match="there is no scenario 'v9'; there are g1-guards,"):
        load("v9")
    with pytest.raises(SimError):
        main(["--scenario", "v9"])
