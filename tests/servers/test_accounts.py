"""`intercom SERVER device`: credentials are printed once, and only their hash is kept."""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from servers.cloud.main import main as cloud
from servers.errors import DeviceError
from servers.homelink.main import main
from servers.homelink.site import Site, load_site
from servers.kamailio import accounts as devices
from servers.management.main import main as management
from tests.servers.homes import write_site


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    return write_site(tmp_path, "127.0.0.1", ("udp", "tcp"), None)


@pytest.fixture
def site(site_file: Path) -> Site:
    return load_site(site_file)


@pytest.mark.parametrize("kind", ["indoor", "phone"])
def test_a_residents_device_gets_login_and_unlock_key(site: Site, kind: str) -> None:
    new = devices.add(site, "one", kind)
    assert (new.user, new.realm, new.address_of_record) == ("one", "home301.example", "sip:home@home301.example")
    assert [uri.rpartition("transport=")[2] for uri in new.registrars] == ["udp", "tcp"]
    assert len(base64.urlsafe_b64decode(new.password + "==")) == 16
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(new.unlock_key))
    assert private.public_key().public_bytes_raw() == base64.b64decode(new.unlock_public_key)


@pytest.mark.parametrize("kind", ["guest", "door"])
def test_others_get_no_unlock_key(site: Site, kind: str) -> None:
    assert (devices.add(site, "one", kind).unlock_key, devices.devices(site)[0].unlock_public_key) == ("", "")


def test_no_secret_is_kept(site: Site) -> None:
    new = devices.add(site, "one", "indoor")
    assert new.password not in repr(new)
    assert new.unlock_key not in repr(new)
    kept = b"".join(path.read_bytes() for path in site.data.iterdir() if path.is_file())
    assert new.password.encode() not in kept
    assert new.unlock_key.encode() not in kept
    with closing(sqlite3.connect(site.databases.accounts)) as database:
        row = database.execute("SELECT ha1, aor, kind FROM device").fetchone()
    digest = hashlib.md5(f"one:home301.example:{new.password}".encode(), usedforsecurity=False).hexdigest()
    assert row == (digest, "home", "indoor")


def test_passwords_differ(site: Site) -> None:
    assert len({devices.add(site, f"one{number}", "guest").password for number in range(20)}) == 20


def test_files_are_for_the_server_only(site: Site) -> None:
    devices.add(site, "one", "guest")
    assert {path.stat().st_mode & 0o077 for path in [site.data, *site.data.iterdir()]} == {0}


@pytest.mark.parametrize("name", ["", "Indoor1", "a b", "../x", "x" * 33, "-x", "a'; --"])
def test_odd_names_are_refused(site: Site, name: str) -> None:
    with pytest.raises(DeviceError, match="must be 1 to 32 of"):
        devices.add(site, name, "indoor")


def test_a_name_is_given_once(site: Site) -> None:
    devices.add(site, "one", "indoor")
    with pytest.raises(DeviceError, match="there already is a device 'one'"):
        devices.add(site, "one", "phone")


def test_an_unknown_kind_is_told_with_the_known(site: Site) -> None:
    with pytest.raises(DeviceError, match="there are: indoor, phone, guest, door"):
        devices.add(site, "one", "robot")


def test_removing_says_what_there_is(site: Site) -> None:
    devices.add(site, "one", "indoor")
    with pytest.raises(DeviceError, match="there is no device 'two'; there are: one"):
        devices.remove(site, "two")
    devices.remove(site, "one")
    assert devices.devices(site) == []


def test_over_tls_only_a_door_needs_no_account(tmp_path: Path) -> None:
    from servers.community.authority import Community

    community = Community.create(tmp_path / "ca", "Gardens")
    site = load_site(write_site(tmp_path, "127.0.0.1", ("tls",), community))
    with pytest.raises(DeviceError, match="intercom community issue --role door-station"):
        devices.add(site, "door1", "door")


def test_the_command_prints_what_goes_where(site_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", "add", "indoor1", "--site", str(site_file)]) == 0
    text = capsys.readouterr().out
    public = devices.devices(load_site(site_file))[0].unlock_public_key
    assert "[unlock]" in text
    assert f'indoor1 = "{public}"' in text
    assert main(["device", "add", "guest", "--kind", "guest", "--json", "--site", str(site_file)]) == 0
    assert json.loads(capsys.readouterr().out)["user"] == "guest"
    assert main(["device", "list", "--site", str(site_file)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=3) for line in listed] == [
        ["guest", "guest", "home", "not registered"],
        ["indoor1", "indoor", "home", "not registered"],
    ]
    assert main(["device", "remove", "guest", "--site", str(site_file)]) == 0
    assert main(["device", "remove", "guest", "--site", str(site_file)]) == 1
    assert capsys.readouterr().err == "intercom homelink: there is no device 'guest'; there are: indoor1\n"


MANAGEMENT = """
data = "data"
[management]
name = "Lakeside Gardens"
realm = "lakeside.example"
address = "127.0.0.1"
community = "lakeside"
[listen]
udp = 5060
"""
CLOUD = MANAGEMENT.replace("management", "cloud").replace('community = "lakeside"', "")


@pytest.mark.parametrize(
    ("server", "text", "arguments", "address"),
    [
        (management, MANAGEMENT, ["homelink-301", "--kind", "homelink", "--home", "301"], "301@lakeside.example"),
        (management, MANAGEMENT, ["indoor1", "--home", "302"], "302@lakeside.example"),
        (management, MANAGEMENT, ["gate1", "--kind", "door"], "gate1@lakeside.example"),
        (management, MANAGEMENT, ["desk1", "--kind", "console"], "guard@lakeside.example"),
        (cloud, CLOUD, ["anna", "--kind", "phone", "--home", "301.lakeside"], "301.lakeside@lakeside.example"),
        (cloud, CLOUD, ["lakeside", "--kind", "management"], "lakeside@lakeside.example"),
    ],
)
def test_every_kind_of_account_has_its_address(
    server: Callable[[list[str]], int],
    text: str,
    arguments: list[str],
    address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    assert server(["device", "add", *arguments, "--json", "--site", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["address_of_record"] == f"sip:{address}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["indoor1"], "device 'indoor1' of kind indoor belongs to a home: say which with --home"),
        (["indoor1", "--home", "a b"], "home 'a b' must be letters, digits"),
        (["gate1", "--kind", "door", "--home", "301"], "device 'gate1' of kind door belongs to no home"),
        (["anna", "--kind", "phone"], "kind 'phone' is unknown; there are: homelink, door, indoor, console, guest"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(MANAGEMENT)
    assert management(["device", "add", *arguments, "--site", str(path)]) == 1
    assert told in capsys.readouterr().err
