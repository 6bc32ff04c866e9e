"""The community's authority: certificates that say who is what, keys for their owner only, nothing overwritten."""

import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from servers.community import main
from servers.community.authority import Community, Role
from servers.errors import CommunityError


@pytest.fixture
def community(tmp_path: Path) -> Community:
    return Community.create(tmp_path / "ca", "Sunny Gardens")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_says_community_role_and_name(community: Community, role: Role, tmp_path: Path) -> None:
    files = community.issue(role, "Door 1", ["127.0.0.1", "door1.example"], tmp_path / "out")
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME
    subject = [certificate.subject.get_attributes_for_oid(name)[0].value for name in names]
    assert subject == ["Sunny Gardens", role.value, "Door 1"]
    others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert others.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert others.get_values_for_type(x509.DNSName) == ["door1.example"]
    assert certificate.not_valid_before_utc < datetime.now(UTC) - timedelta(hours=12)
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert certificate.not_valid_after_utc < authority.not_valid_after_utc


def test_keys_are_private(community: Community, tmp_path: Path) -> None:
    files = community.issue("phone", "phone1", [], tmp_path / "out")
    assert (mode(files.key), mode(tmp_path / "ca/authority.key"), mode(tmp_path / "ca")) == (0o600, 0o600, 0o700)


def test_a_node_cannot_sign_for_others(community: Community, tmp_path: Path) -> None:
    files = community.issue("door-station", "door1", [], tmp_path / "out")
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False


def test_openssl_takes_key_and_certificate_together(community: Community, tmp_path: Path) -> None:
    files = community.issue("homelink", "home 301", ["127.0.0.1"], tmp_path / "out")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    assert len(context.get_ca_certs()) == 1


def test_nothing_is_overwritten(community: Community, tmp_path: Path) -> None:
    files = community.issue("phone", "phone1", [], tmp_path / "out")
    before = files.key.read_bytes(), files.certificate.read_bytes()
    with pytest.raises(CommunityError, match="exists already and is never overwritten"):
        community.issue("phone", "phone1", [], tmp_path / "out")
    assert (files.key.read_bytes(), files.certificate.read_bytes()) == before
    with pytest.raises(CommunityError, match="exists already and is never overwritten"):
        Community.create(tmp_path / "ca", "Others")
    stranger = Community.create(tmp_path / "ca2", "Others")
    with pytest.raises(CommunityError, match="authority of another community"):
        stranger.issue("phone", "phone2", [], tmp_path / "out")


@pytest.mark.parametrize(
    ("role", "name", "address", "told"),
    [
        ("janitor", "x", "127.0.0.1", "role 'janitor' is unknown; there are: door-station, indoor-unit, phone"),
        ("phone", "../x", "127.0.0.1", "name '../x' must be"),
        ("phone", "", "127.0.0.1", "name '' must be"),
        ("phone", "x", "300.1.1.1", "'300.1.1.1' is neither an IP address nor a host name"),
    ],
)
def test_bad_values_have_their_sentence(
    community: Community, tmp_path: Path, role: str, name: str, address: str, told: str
) -> None:
    with pytest.raises(CommunityError) as caught:
        community.issue(role, name, [address], tmp_path / "out")
    assert told in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_was_issued_is_noted(community: Community, tmp_path: Path) -> None:
    community.issue("phone", "phone1", [], tmp_path / "a")
    files = community.issue("door-station", "door1", [], tmp_path / "b")
    noted = [json.loads(line) for line in (tmp_path / "ca/issued.jsonl").read_text().splitlines()]
    assert [(one["role"], one["name"]) for one in noted] == [("phone", "phone1"), ("door-station", "door1")]
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert int(noted[1]["serial"], 16) == certificate.serial_number


def test_the_command_makes_and_issues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ca, out = str(tmp_path / "ca"), str(tmp_path / "out")
    assert main(["issue", ca, "--role", "phone", "--name", "p", "--out", out]) == 1
    assert "make one with 'intercom community init'" in capsys.readouterr().err
    assert main(["init", ca, "--name", "Gardens"]) == 0
    addresses = ["--address", "127.0.0.1", "--address", "door1.example"]
    assert main(["issue", ca, "--role", "door-station", "--name", "door1", *addresses, "--out", out]) == 0
    assert f"key         = {out}/door1.key" in capsys.readouterr().out
    assert main(["init", ca, "--name", "Gardens"]) == 1
    assert "never overwritten" in capsys.readouterr().err
