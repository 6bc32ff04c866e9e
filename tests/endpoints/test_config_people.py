"""The people file: whom a flat number calls, and whose devices may open the door."""

from pathlib import Path

from endpoints.config import Stage, StageName, load_people
from tests.endpoints.configuration_files import KEY, PEOPLE, problems, write


def test_a_flat_has_a_name_an_address_and_devices(tmp_path: Path) -> None:
    flat = load_people(write(tmp_path, "people.toml", PEOPLE)).flats["301"]
    assert flat.name == "Family Chen"
    assert flat.stages == (Stage(name=StageName.HOME, uris=("sip:home@127.0.0.1:5061;transport=tls",)),)
    assert flat.devices == {"indoor1": KEY}


def test_a_flat_may_have_ways_to_its_phones_and_telephone_and_there_may_be_a_guard(tmp_path: Path) -> None:
    away = 'phones = ["sip:301@m;stage=phones", "sip:301@c"]\ntelephone = ["sip:301@m;stage=telephone"]\n'
    text = PEOPLE.replace("[flats.301.devices]", f"{away}[flats.301.devices]") + '[guard]\nuris = ["sip:guard@m"]\n'
    directory = load_people(write(tmp_path, "people.toml", text))
    stages = directory.flats["301"].stages
    assert [stage.name for stage in stages] == ["home", "phones", "telephone"]
    assert stages[1].uris == ("sip:301@m;stage=phones", "sip:301@c")
    assert (directory.version, directory.guard.uris) == (0, ("sip:guard@m",))


def test_a_flat_without_devices_can_be_called(tmp_path: Path) -> None:
    text = PEOPLE.split("[flats.301.devices]")[0]
    assert load_people(write(tmp_path, "people.toml", text)).flats["301"].devices == {}


def test_every_problem_of_every_flat_is_told_at_once(tmp_path: Path) -> None:
    text = PEOPLE + '\n[flats.3o2]\nname = ""\nhomelik = "home@127.0.0.1"\n[flats.303]\nname = "B"\nhomelink = "home"\n'
    lines = problems(load_people, write(tmp_path, "people.toml", text))
    assert [line.split(":")[1].strip() for line in lines] == [
        "flats.3o2",
        "flats.3o2.name",
        "flats.3o2.homelink",
        "flats.3o2.homelik",
        "flats.303.homelink",
    ]
    assert lines[3].endswith("unknown key (did you mean 'homelink'?)")


def test_a_key_that_is_no_key_is_told(tmp_path: Path) -> None:
    lines = problems(load_people, write(tmp_path, "people.toml", PEOPLE.replace(KEY, "AAAA")))
    assert lines == ["people.toml: flats.301.devices.indoor1: has 3 bytes, an Ed25519 key has 32"]


def test_what_visitors_leave_is_handed_in_with_a_token_that_is_never_shown(tmp_path: Path) -> None:
    deposit = '[flats.301.messages]\nurl = "https://10.0.0.7:8443"\ntoken = "deposit-of-301"\n'
    directory = load_people(write(tmp_path, "people.toml", PEOPLE + deposit))
    found = directory.flats["301"].messages
    assert found is not None
    assert (found.url, found.token.get_secret_value()) == ("https://10.0.0.7:8443", "deposit-of-301")
    assert "deposit-of-301" not in repr(directory)
