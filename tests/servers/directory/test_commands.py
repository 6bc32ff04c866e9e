"""`intercom management directory`: flats one by one and as a file; a bad file changes nothing."""

from pathlib import Path

import pytest

from endpoints.config.people import Directory
from servers.community.authority import Role
from servers.directory.document import document, tag
from servers.directory.entries import Flat
from servers.directory.store import Edition
from servers.kamailio.kinds import Kind
from servers.management.main import main
from servers.management.site import load_site
from tests.servers.directory.test_store import CHEN, KEY
from tests.servers.nodes import site_text

UPSTREAM = '[upstream]\nuri = "sip:10.0.0.9:5060;transport=udp"\nuser = "lakeside"\nrealm = "cloud.example"\n'


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    identity = {"name": "Lakeside", "realm": "lakeside.example", "address": "127.0.0.1", "community": "lakeside"}
    path = tmp_path / "site.toml"
    path.write_text(site_text(tmp_path, Role.MANAGEMENT, identity, ("udp",), None, UPSTREAM))
    return path


def run(site_file: Path, *words: str) -> int:
    return main(["directory", words[0], "--site", str(site_file), *words[1:]])


def test_a_flat_is_set_changed_listed_and_removed(site_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site_file, "set", "301", "--name", "Family Chen", "--indoor", f"indoor1={KEY}", "--phone", "phone1") == 0
    assert run(site_file, "set", "301", "--telephone", "+86105550301", "--without", "phone1") == 0
    assert run(site_file, "console", "console1", "--priority", "0.5") == 0
    capsys.readouterr()
    assert run(site_file, "list") == 0
    listed = capsys.readouterr().out
    assert listed.startswith("version 3\n301 ")
    assert "phone1" not in listed
    assert "console1" in listed
    assert run(site_file, "remove", "301") == 0
    assert run(site_file, "console", "console1", "--remove") == 0
    capsys.readouterr()
    run(site_file, "list")
    assert capsys.readouterr().out == "version 5\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "30a", "--name", "A"), "flat number"),
        (("set", "301"), "flat 301: name"),
        (("set", "301", "--name", "A", "--phone", "one=AAAA"), "has 3 bytes"),
        (("set", "301", "--name", "A", "--without", "one"), "no device 'one'"),
        (("remove", "301"), "there is no flat 301"),
        (("console", "one", "--priority", "7"), "console one: priority"),
        (("import", "none.csv"), "cannot be read"),
        (("export", "/nowhere/flats.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    words: tuple[str, ...], told: str, site_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site_file, *words) == 1
    assert told in capsys.readouterr().err


def test_a_file_goes_out_and_in_and_a_bad_one_changes_nothing(
    site_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"flat,name,telephone,phones\n301,Family Chen,+861055,phone1={KEY}\n302,Family Rossi,,\n")
    bad.write_text("flat,name\n303,Family Li\n30x,\n")
    assert run(site_file, "import", str(good)) == 0
    assert run(site_file, "import", str(bad)) == 1
    problems = capsys.readouterr().err
    assert f"{bad}, line 3, column flat" in problems
    assert f"{bad}, line 3, column name" in problems
    written = tmp_path / "out.csv"
    assert run(site_file, "export", str(written)) == 0
    assert written.stat().st_mode & 0o777 == 0o600
    assert run(site_file, "import", "--only", str(written)) == 0
    run(site_file, "list")
    listed = capsys.readouterr().out.rpartition("version ")[2].splitlines()
    assert [line.split()[0] for line in listed] == ["1", "301", "302"], "nothing became different"


@pytest.mark.flow("V2")
@pytest.mark.flow("V3")
def test_a_door_is_told_the_stages_that_a_flat_has_and_never_a_telephone_number(site_file: Path) -> None:
    site = load_site(site_file)
    here = f"127.0.0.1:{site.listeners[0].port};transport=udp"
    edition = Edition(7, {"301": CHEN, "302": Flat(name="R", telephone="123"), "303": Flat(name="L")}, {})
    told = document(site, edition, Kind.DOOR)
    directory = Directory.model_validate(told)
    assert {number: [stage.name for stage in flat.stages] for number, flat in directory.flats.items()} == {
        "301": ["home", "phones", "telephone"],
        "302": ["telephone"],
        "303": [],
    }
    home, phones, _ = directory.flats["301"].stages
    assert home.uris == (CHEN.homelink,)
    assert phones.uris == (
        f"sip:301@{here};stage=phones",
        "sip:301.lakeside@10.0.0.9:5060;transport=udp;stage=phones",
    )
    assert (directory.version, directory.community, directory.guard.uris) == (7, "lakeside", (f"sip:guard@{here}",))
    assert directory.flats["301"].devices == {"phone1": KEY}
    assert CHEN.telephone not in str(told)
    assert document(site, edition, Kind.HOMELINK)["flats"]["301"] == {"name": "Family Chen"}
    assert document(site, edition, Kind.CONSOLE)["flats"]["301"]["telephone"] == CHEN.telephone


def test_the_tag_changes_with_what_is_told(site_file: Path) -> None:
    site, edition = load_site(site_file), Edition(7, {"301": CHEN}, {})
    tags = {tag(document(site, edition, kind)) for kind in (Kind.DOOR, Kind.HOMELINK, Kind.INDOOR)}
    assert len(tags) == 2, "homes are told the same"
    assert all(one.startswith('"7-') for one in tags)
