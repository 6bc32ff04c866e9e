"""A HomeLink's site file: every problem at once, with file, key and what is meant."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from servers.cloud.site import load_site as load_cloud
from servers.errors import SiteError
from servers.homelink.main import main
from servers.homelink.site import load_site
from servers.kamailio.site import ServerSite, UpstreamSection
from servers.management.site import load_site as load_management

GOOD = """
data = "data"
[homelink]
name = "Family Chen"
realm = "home301.example"
address = "127.0.0.1"
[listen]
udp = 5060
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def test_a_small_file_is_enough(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, GOOD))
    assert site.address_of_record == "sip:home@home301.example"
    assert [str(listener) for listener in site.listeners] == ["udp:127.0.0.1:5060"]
    assert (site.data, site.control) == (tmp_path / "data", tmp_path / "data/run/rpc.sock")
    assert site.tls_files is None


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("udp = 5060", "udp = 99999\nudq = 1").replace("127.0.0.1", "home").replace("realm", "relm")
    path = written(tmp_path, text + "[timers]\nring = 'long'\n[limitz]\n")
    with pytest.raises(SiteError) as caught:
        load_site(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    told = "\n".join(lines)
    assert "homelink.realm: is missing" in told
    assert "homelink.relm: unknown key, did you mean 'realm'?" in told
    assert "homelink.address: 'home' does not appear to be an IPv4 or IPv6 address" in told
    assert "listen.udp: Input should be less than or equal to 65535" in told
    assert "listen.udq: unknown key, did you mean 'udp'?" in told
    assert "timers.ring: Input should be a valid number" in told
    assert "limitz: unknown key, did you mean 'limits'?" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("udp = 5060", "", "listen: needs a port for at least one of tls, tcp, udp"),
        ("udp = 5060", "tls = 5061", "file: [listen] tls needs a [tls] table with authority, certificate and key"),
        ("udp = 5060", "tls = 5061\ntcp = 5061", "listen: tls and tcp need ports of their own"),
        ("home301.example", 'home\\"!', "homelink.realm: must be a host name such as home301.example"),
        ("[listen]", 'home = "a b"\n[listen]', "homelink.home: must be letters, digits, '_', '.' or '-'"),
        ("[listen]", "[listen", "is no TOML: "),
    ],
)
def test_each_problem_has_its_sentence(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(SiteError) as caught:
        load_site(written(tmp_path, GOOD.replace(old, new)))
    assert told in str(caught.value)


def test_tls_files_count_from_the_site_files_folder_and_must_be_there(tmp_path: Path) -> None:
    tls = '[tls]\nauthority = "a.pem"\ncertificate = "b.pem"\nkey = "b.key"\n'
    path = written(tmp_path, GOOD.replace("udp = 5060", "tls = 5061") + tls)
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).touch()
    with pytest.raises(SiteError, match=r"tls\.key: cannot be read: No such file or directory: .*/b\.key"):
        load_site(path)
    (tmp_path / "b.key").touch()
    files = load_site(path).tls_files
    assert files is not None
    assert files.key == tmp_path / "b.key"


def test_the_command_says_it_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--site", str(tmp_path / "none.toml")]) == 1
    assert capsys.readouterr().err == (
        f"intercom homelink: {tmp_path}/none.toml: cannot be read: No such file or directory\n"
    )


SAMPLES = Path(__file__).parents[2] / "board-configs/samples"


@pytest.mark.parametrize(
    ("name", "load"), [("homelink", load_site), ("management", load_management), ("cloud", load_cloud)]
)
def test_a_sample_shows_every_key_with_its_default(
    name: str, load: Callable[[Path], ServerSite], tmp_path: Path
) -> None:
    for file in ("authority.pem", f"{name}.pem", f"{name}.key"):
        (tmp_path / file).touch()
    text = (SAMPLES / f"{name}.site.toml").read_text()
    for key in ("udp", "advertise", "public"):
        text = text.replace(f"# {key} =", f"{key} =")
    text = text.replace("# tcp = 5060", "tcp = 5062")
    site = load(written(tmp_path, text))
    shown = tomllib.loads(text)
    for section, model in type(site).model_fields.items():
        kind = UpstreamSection if section == "upstream" else model.annotation
        fields = getattr(kind, "model_fields", {})
        assert set(shown[section]) == set(fields) if fields and section != "tls" else section in shown
        if model.default and fields and not model.is_required():
            without = {key for key in fields if getattr(model.default, key) is None}  # an example stands in the sample
            assert getattr(site, section).model_copy(update=dict.fromkeys(without)) == model.default, section


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("sip:10.0.0.2", "must be like sip:10.0.0.2:5061;transport=tls"),
        ("sip:10.0.0.2:5061;transport=tls", "needs a port for tls in [listen]"),
        ("sip:above.example:5060;transport=udp", "needs an IP address unless its transport is tls"),
    ],
)
def test_the_server_above_must_be_one_that_can_be_reached_and_known(tmp_path: Path, uri: str, told: str) -> None:
    text = f'{GOOD}[upstream]\nuri = "{uri}"\nuser = "one"\nrealm = "lakeside.example"\n'
    with pytest.raises(SiteError) as caught:
        load_site(written(tmp_path, text))
    assert told in str(caught.value)


CLUSTER = """
[management]
name = "Lakeside"
realm = "lakeside.example"
address = "10.0.0.2"
community = "lakeside"
[listen]
udp = 5060
"""
SHARED = '[database]\nurl = "postgresql://intercom@db/intercom"\n'


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (f'{SHARED}[cluster]\nnodes = ["10.0.0.2", "10.0.0.3"]', "must be like sip:10.0.0.2:5061;transport=tls"),
        (
            f'{SHARED}[cluster]\nnodes = ["sip:10.0.0.3:5060;transport=udp", "sip:10.0.0.4:5060;transport=udp"]',
            "must name this server as it listens: sip:10.0.0.2:5060;transport=udp",
        ),
        (
            f'{SHARED}[cluster]\nnodes = ["sip:10.0.0.2:5060;transport=udp", "sip:10.0.0.3:5061;transport=tls"]',
            "different addresses with the same transport",
        ),
        (
            '[cluster]\nnodes = ["sip:10.0.0.2:5060;transport=udp", "sip:10.0.0.3:5060;transport=udp"]',
            "needs the [database] url of a PostgreSQL that all nodes share",
        ),
    ],
)
def test_nodes_must_be_ones_that_can_serve_as_one(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(SiteError) as caught:
        load_management(written(tmp_path, f'data = "data"\n{CLUSTER}{more}\n'))
    assert told in str(caught.value)
