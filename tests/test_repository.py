"""The repository as a newcomer meets it: what lies where, and what every file keeps to."""

import ast
import re
import subprocess
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP = {
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "board-configs",
    "docs",
    "endpoints",
    "hal",
    "media",
    "pyproject.toml",
    "requirements.lock",
    "servers",
    "sim",
    "tests",
}
MACHINE_PATHS = re.compile(r"(?<![\w.:])/(?:home|Users|work|root|opt/pypi)/\w")
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
GROUPS = [name for name in sorted(entry_points().groups) if name.startswith("intercom.")]


def _files(pattern: str = "*") -> list[Path]:
    """Every file that is in the repository, or will be with the next commit."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z", "--", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


SOURCES = _files("*.py")
every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_top_level_holds_what_the_map_says() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in _files()}
    assert found - TOP == set()
    assert TOP - found - {"docs"} == set()


def test_no_file_carries_a_path_of_somebodys_machine() -> None:
    assert [(path.name, hit[0]) for path in _files() if (hit := MACHINE_PATHS.search(_text(path)))] == []


@every_source
def test_a_source_file_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = _text(path)
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file begins with what it is for"
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION] == []


@pytest.mark.parametrize("group", GROUPS)
def test_every_entry_point_leads_somewhere(group: str) -> None:
    for entry in entry_points(group=group):
        assert callable(entry.load()), entry


def test_the_lock_holds_every_library_with_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==\S+(.*?)(?=^[a-z#]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert all("--hash=sha256:" in rest for _, rest in pins)
    assert "://" not in lock
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in project["dependencies"] + extras["sim"] + extras["dev"]}
    assert wanted <= {name for name, _ in pins}


def test_every_ignored_rule_has_its_reason() -> None:
    lines = (
        (ROOT / "pyproject.toml").read_text("utf-8").split("[tool.ruff.lint]")[1].split("[tool.mypy]")[0].splitlines()
    )
    start = lines.index("ignore = [")
    ignored = [line for line in lines[start + 1 :] if line.strip().startswith('"')]
    assert [line for line in ignored if "#" not in line and not line.strip().startswith('"tests')] == []
