"""Kamailio's configuration file is made of tokens that cannot disturb one another, and values that cannot break out."""

import itertools
import logging
import os
import re
from importlib import resources
from pathlib import Path

import pytest

from servers.cloud.server import kamailio_config as cloud_config
from servers.cloud.site import load_site as load_cloud
from servers.community.authority import Role
from servers.errors import KamailioError
from servers.homelink.server import kamailio_config
from servers.homelink.site import load_site
from servers.kamailio.config import SHARED, KamailioConfig, Listener, TlsFiles, tls_config
from servers.kamailio.log import LogReader, parse_line
from servers.management.server import kamailio_config as management_config
from servers.management.site import load_site as load_management
from tests.servers.homes import write_site
from tests.servers.nodes import site_text

UPSTREAM = """
[upstream]
uri = "sip:127.0.0.1:5060;transport=udp"
user = "one"
realm = "above.example"
"""


TRUNK = '[trunk]\nuri = "sip:127.0.0.1:5062;transport=udp"\nport = 5064\n'


@pytest.fixture(params=["homelink", "homelink with upstream", "management", "cluster", "cloud"])
def config(tmp_path: Path, request: pytest.FixtureRequest) -> KamailioConfig:
    if request.param == "cloud":
        identity = {"name": "Cloud", "realm": "cloud.example", "address": "127.0.0.1"}
        path = tmp_path / "site.toml"
        path.write_text(site_text(tmp_path, Role.CLOUD, identity, ("udp", "tcp"), None, TRUNK))
        return cloud_config(load_cloud(path))
    if request.param in ("management", "cluster"):
        identity = {"name": "Lakeside", "realm": "lakeside.example", "address": "127.0.0.1", "community": "lakeside"}
        path = tmp_path / "site.toml"
        text = site_text(tmp_path, Role.MANAGEMENT, identity, ("udp", "tcp"), None, UPSTREAM)
        port = re.search(r"udp = (\d+)", text)
        nodes = f'"sip:127.0.0.1:{port[1] if port else 0};transport=udp", "sip:127.0.0.2:5060;transport=udp"'
        cluster = f'[database]\nurl = "postgresql://db/intercom"\n[cluster]\nnodes = [{nodes}]\n'
        path.write_text(text + (cluster if request.param == "cluster" else ""))
        return management_config(load_management(path))
    settings = UPSTREAM if request.param.endswith("upstream") else ""
    return kamailio_config(load_site(write_site(tmp_path, "127.0.0.1", ("udp", "tcp"), None, settings)))


def test_no_token_is_part_of_another_or_of_anything_else(config: KamailioConfig) -> None:
    """Kamailio replaces a token wherever its letters stand, also inside longer words."""
    tokens = {*re.findall('substdef "!([A-Z_]+)!', config.text()), "TLS_CONFIG"}
    assert not [pair for pair in itertools.permutations(tokens, 2) if pair[0] in pair[1]]
    words = set(re.findall(r"\w+", config.text().split("####", 1)[1]))
    assert not [(token, word) for token in tokens for word in words if token in word and token != word]


def test_every_token_of_the_fragments_has_a_value(config: KamailioConfig) -> None:
    shared = resources.files("servers.kamailio")
    text = "".join(shared.joinpath(name).read_text() for name in SHARED)
    text += "".join(fragment.read_text() for fragment in (config.role, *config.more))
    for token in config.tokens:
        assert token in text, f"{token} is never used"


def test_the_files_are_private(config: KamailioConfig) -> None:
    path = config.write()
    assert oct(path.stat().st_mode & 0o777) == oct(0o600)
    assert oct(path.parent.stat().st_mode & 0o777) == oct(0o700)
    assert "probe_user" not in repr(config)


@pytest.mark.parametrize("value", ['a"b', "a!b", "a\nlisten=udp:0.0.0.0:1", "a\\b"])
def test_a_value_that_would_break_out_is_refused(config: KamailioConfig, value: str) -> None:
    bad = KamailioConfig("test", config.run_folder, (), config.role, {"SITE_REALM": value})
    with pytest.raises(KamailioError, match="SITE_REALM"):
        bad.text()


def test_listeners_are_written_as_kamailio_wants_them() -> None:
    assert str(Listener("tls", "127.0.0.1", 5061)) == "tls:127.0.0.1:5061"
    assert str(Listener("udp", "::1", 5060)) == "udp:[::1]:5060"


def test_tls_asks_for_certificates_and_for_nothing_old() -> None:
    text = tls_config(TlsFiles(Path("/a.pem"), Path("/c.pem"), Path("/c.key")))
    assert text.count("verify_certificate = yes") == 2
    assert text.count("method = TLSv1.2+") == 2
    assert "ca_list = /a.pem" in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (" 4(123) NOTICE: <script>: indoor1 registered\n", (20, "indoor1 registered")),
        (" 0(9) ERROR: <core> [core/udp_server.c:602]: udp_init(): bind(5) failed\n", (40, "core: bind(5) failed")),
        (" 1(9) WARNING: {1 2 INVITE x} tm [t_reply.c:1]: f(): odd\n", (30, "tm: odd")),
        (" 0(9) NOTICE: <core> [main.c:733]: handle_sigs(): Thank you for flying kamailio!!!\n", (10, None)),
        ("Listening on \n", (20, "Listening on")),
        ("\n", (20, "")),
    ],
)
def test_kamailios_lines_become_sentences(line: str, expected: tuple[int, str | None]) -> None:
    level, text = parse_line(line)
    assert level == expected[0]
    assert expected[1] is None or text == expected[1]


def test_the_first_error_is_remembered_as_the_cause(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    reader = LogReader(logging.getLogger("kamailio.test"))
    for text in ("bind failed", "cannot init", "giving up"):
        reader.feed(f" 0(1) ERROR: <core> [x.c:1]: {text}\n")
    assert reader.first_error() == "core: bind failed"
    reader.expect_end()
    caplog.clear()
    reader.feed(" 0(1) CRITICAL: <core> [x.c:1]: EOF on 3\n")
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
    reader.forget()
    assert reader.first_error() == ""


def test_fragments_are_part_of_the_package() -> None:
    assert all(resources.files("servers.kamailio").joinpath(name).is_file() for name in SHARED)
    assert os.access(str(resources.files("servers.homelink").joinpath("homelink.cfg")), os.R_OK)


def test_a_server_that_is_away_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    reader = LogReader(logging.getLogger("kamailio.test"))
    for text in ("<core> [core/tcp_main.c:2]: connect 10.0.0.3:5061 failed (RST)", "db_sqlite [x.c:1]: locked"):
        for _ in range(3):
            reader.feed(f" 7(12) ERROR: {text}")
    assert [record.message.partition(":")[0] for record in caplog.records] == ["core", *["db_sqlite"] * 3]
