"""What a newcomer's first `make` does: installs what is missing, once, and says in one sentence why it cannot.

The machine is played: programs that would change it are scripts that write down how they were called.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("bash", "sh", "cat", "chmod", "cut", "dirname", "echo", "env", "flock", "grep", "sha256sum", "tee", "xargs")


@dataclass(frozen=True)
class Machine:
    """A checkout on a machine of its own."""

    folder: Path
    log: Path

    def has(self, program: str, script: str) -> None:
        """Put a program on this machine's PATH, or replace it; it logs its call first."""
        path = self.folder / "bin" / program
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{program} $*" >> {self.log}\n{script}\n', "utf-8")
        path.chmod(0o755)

    def bootstrap(self, target: str = "sim") -> subprocess.CompletedProcess[str]:
        """Run the checkout's bootstrap with nothing of the real machine's PATH."""
        return subprocess.run(
            [self.folder / ".ci" / "bootstrap", target],
            env={"PATH": str(self.folder / "bin"), "PYTHON": "python3.11", "CI": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self) -> list[str]:
        """What was called since the last time."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [line for line in lines if line.split()[0] in ("apt-get", "sudo", "systemctl", "python3.11", "python")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian with Python, with every package that is asked for, as an ordinary user without sudo."""
    made = Machine(tmp_path, tmp_path / "calls.log")
    for folder in ("bin", ".ci"):
        (tmp_path / folder).mkdir()
    for name in (".ci/bootstrap", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    made.has("id", "echo 1000")
    made.has("dpkg-query", 'for name; do echo "installed $name"; done')
    made.has("apt-get", "exit 0")
    venv = 'mkdir -p .venv/bin; cp "$0" .venv/bin/python; sed -i s/python3.11/python/ .venv/bin/python'
    made.has("python3.11", f"PATH={os.environ['PATH']}; case $* in *'-m venv'*) {venv};; *'import pip'*) exit 0;; esac")
    return made


def test_everything_there_installs_only_the_locked_libraries_and_the_project(machine: Machine) -> None:
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    calls = machine.calls()
    assert not [call for call in calls if call.startswith(("apt-get", "sudo"))]
    installs = [call for call in calls if "pip install" in call]
    assert len(installs) == 2
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert "--no-index --no-deps --no-build-isolation -e ." in installs[1]


def test_a_second_run_installs_nothing(machine: Machine) -> None:
    assert machine.bootstrap().returncode == 0
    machine.calls()
    done = machine.bootstrap()
    assert (done.returncode, done.stderr) == (0, "")
    assert not [call for call in machine.calls() if "pip install" in call or "apt" in call or "-m venv" in call]


def test_a_renewed_lock_is_installed(machine: Machine) -> None:
    assert machine.bootstrap().returncode == 0
    machine.calls()
    with (machine.folder / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("# renewed\n")
    assert machine.bootstrap().returncode == 0
    assert len([call for call in machine.calls() if "pip install" in call]) == 2


def test_libraries_that_cannot_be_installed_are_tried_again_next_time(machine: Machine) -> None:
    assert machine.bootstrap().returncode == 0
    (machine.folder / "requirements.lock").write_text("# other\n", "utf-8")
    python = machine.folder / ".venv" / "bin" / "python"
    works = python.read_text("utf-8")
    python.write_text(works + 'case $* in *require-hashes*) echo "no network" >&2; exit 1;; esac\n', "utf-8")
    failed = machine.bootstrap()
    assert failed.returncode != 0
    assert "could not be installed" in failed.stderr.splitlines()[-1]
    python.write_text(works, "utf-8")
    machine.calls()
    assert machine.bootstrap().returncode == 0
    assert len([call for call in machine.calls() if "pip install" in call]) == 2


def test_without_root_the_missing_packages_are_named_in_one_sentence(machine: Machine) -> None:
    machine.has(
        "dpkg-query", 'for name; do case $name in kamailio|libportaudio2) ;; *) echo "installed $name";; esac; done'
    )
    done = machine.bootstrap()
    assert done.returncode != 0
    (sentence,) = done.stderr.splitlines()
    assert sentence == (
        "bootstrap: these Debian packages are missing, and installing them needs root or sudo: kamailio libportaudio2"
    )
    assert not [call for call in machine.calls() if "apt-get" in call or "pip install" in call]


def test_sudo_that_refuses_is_the_same_sentence(machine: Machine) -> None:
    machine.has("dpkg-query", "exit 1")
    machine.has("sudo", 'echo "sudo: a password is required" >&2; exit 1')
    done = machine.bootstrap()
    assert done.returncode != 0
    (sentence,) = done.stderr.splitlines()
    assert "needs root or sudo: kamailio" in sentence
    assert [call for call in machine.calls() if call.startswith("sudo")] == ["sudo -n true"]


def test_with_sudo_missing_packages_are_installed_and_no_service_is_left_running(machine: Machine) -> None:
    machine.has("dpkg-query", 'for name; do [ "$name" = kamailio ] || echo "installed $name"; done')
    machine.has("sudo", "exit 0")
    machine.has("systemctl", "exit 0")
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    assert "installing Debian packages: kamailio" in done.stderr
    calls = [call for call in machine.calls() if call.startswith("sudo")]
    update = next(at for at, call in enumerate(calls) if "apt-get update" in call)
    install = next(at for at, call in enumerate(calls) if "apt-get install" in call)
    disable = next(at for at, call in enumerate(calls) if "systemctl disable" in call)
    assert update < install < disable
    assert "--no-install-recommends" in calls[install]
    assert calls[install].split()[-1] == "kamailio"
    policy = [at for at, call in enumerate(calls) if "policy-rc.d" in call]
    if not Path("/usr/sbin/policy-rc.d").exists():
        assert policy[0] < update
        assert policy[-1] > install


def test_a_machine_without_python_gets_debians(machine: Machine) -> None:
    (machine.folder / "bin" / "python3.11").unlink()
    missing = "python3|python3-venv"
    machine.has("dpkg-query", f'for name; do case $name in {missing}) ;; *) echo "installed $name";; esac; done')
    done = machine.bootstrap()
    assert done.returncode != 0
    assert done.stderr.strip().endswith("needs root or sudo: python3 python3-venv")


def test_an_unknown_target_is_refused(machine: Machine) -> None:
    done = machine.bootstrap("coffee")
    assert done.returncode == 2
    assert "no target 'coffee'" in done.stderr
