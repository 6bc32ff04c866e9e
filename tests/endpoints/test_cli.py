"""The `intercom` command: finds sub-commands without importing the others."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from endpoints import cli
from endpoints.errors import ConfigError


def test_help_lists_every_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("check", "code", "demo", "door-station", "homelink", "indoor-unit", "phone", "sim"):
        assert any(line.split()[:1] == [name] for line in lines)
    assert any(line.startswith("  check") and "every problem" in line for line in lines)


def test_a_mistyped_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chekc"]) == 2
    assert capsys.readouterr().err == "intercom: no command 'chekc'; did you mean 'check'?\n"


def test_a_strange_command_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["xyzzy"]) == 2
    assert "door-station" in capsys.readouterr().err


def _fails(argv: list[str]) -> int:
    raise ConfigError(f"{argv[0]}: is broken")


def _interrupted(argv: list[str]) -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("name", "status", "told"), [("_fails", 1, "file: is broken"), ("_interrupted", 130, "")])
def test_what_a_command_tells_becomes_a_sentence_and_a_status(
    name: str, status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = EntryPoint("try", f"{__name__}:{name}", cli.GROUP)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[_fails.__module__])
    monkeypatch.setattr(cli, "_find", lambda _: entry)
    assert cli.main(["try", "file"]) == status
    assert told in capsys.readouterr().err


def test_nothing_heavy_is_imported_before_a_command_is_chosen() -> None:
    program = "import sys; from endpoints import cli; cli._find('phone'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "endpoints" in loaded
    assert not loaded & {"pydantic", "pjsua2", "numpy", "av", "aiortc", "cv2", "fastapi", "cryptography", "media"}
