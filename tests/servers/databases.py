"""One set of tests, two databases: SQLite in a file, and a PostgreSQL of the test run's own."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from servers.database import Database

POSTGRES_USER = "nobody"
"""PostgreSQL refuses to run as root."""


def _programs() -> Path | None:
    """Debian keeps PostgreSQL's programs by version, outside the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """URL prefix of a running PostgreSQL that only this test run can reach: a unix socket, no TCP."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a unix address has 108 bytes
    root = os.geteuid() == 0
    as_user = ["setpriv", f"--reuid={POSTGRES_USER}", "--regid=nogroup", "--clear-groups"] if root else ["setpriv"]
    if root:
        shutil.chown(folder, POSTGRES_USER, "nogroup")
    try:
        make = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "intercom", "--auth=trust", "--no-sync"]
        subprocess.run([*as_user, *make], cwd=folder, capture_output=True, check=True)
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "shared_buffers=16MB"]
        command = [str(programs / "postgres"), "-D", str(folder / "data"), *(f"-c{setting}" for setting in settings)]
        with subprocess.Popen([*as_user, "--pdeathsig", "INT", *command], cwd=folder, stderr=subprocess.PIPE) as server:
            try:
                url = f"postgresql://intercom@/{{name}}?host={folder}"
                _await(server, url)
                yield url
            finally:
                server.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(folder)


def _await(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Return when it says so; what it says later is read too, so that it never has to wait for us."""
    assert server.stderr is not None
    ready = next((line for line in server.stderr if b"ready to accept connections" in line), None)
    assert ready, f"PostgreSQL did not start: {url}"
    threading.Thread(target=server.stderr.read, daemon=True).start()


@pytest.fixture
def postgres_url(cluster: str) -> str:
    """An empty database on that PostgreSQL."""
    return empty_database(cluster)


def empty_database(cluster: str) -> str:
    """URL of a new database on that PostgreSQL."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(
        cluster.format(name="postgres").replace("postgresql://", "postgres://"), autocommit=True
    ) as all_of_it:
        all_of_it.execute(f"DROP DATABASE IF EXISTS {name}")
        all_of_it.execute(f"CREATE DATABASE {name}")
    return cluster.format(name=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each of the databases in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Each of the databases in turn, opened."""
    opened = Database(database_url)
    yield opened
    opened.close()
