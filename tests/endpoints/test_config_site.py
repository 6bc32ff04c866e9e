"""The site file: accounts, timers and codes; its secrets stay secret."""

import logging
from pathlib import Path

import pytest

from endpoints.config import load_endpoint, load_site
from endpoints.config.codes import hash_code, whose
from endpoints.config.site import Messages
from endpoints.errors import ConfigError
from tests.endpoints.configuration_files import BOARD, KEY, PEOPLE, SITE, problems, write

SECRET = "correct-horse-battery"
RESIDENT = f"""
[device]
name = "indoor1"
flat = "301"

[sip]
user = "indoor1"
domain = "home.example"
registrar = "sip:127.0.0.1:5061;transport=tls"
password = "{SECRET}"

[tls]
authority = "ca.pem"
certificate = "device.pem"
key = "device.key"

[unlock]
key = "{KEY}"
"""


def _resident(folder: Path, text: str = RESIDENT) -> Path:
    for name in ("ca.pem", "device.pem", "device.key"):
        write(folder, name, "PEM")
    return write(folder, "site.toml", text)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, "site.toml", SITE))
    assert site.people == tmp_path / "people.toml"
    assert site.data == tmp_path / "data"


def test_the_sip_agent_gets_its_settings(tmp_path: Path) -> None:
    settings = load_site(_resident(tmp_path)).sip_settings()
    assert (settings.user, settings.domain, settings.auth_user) == ("indoor1", "home.example", "indoor1")
    assert settings.registrar == "sip:127.0.0.1:5061;transport=tls"
    assert settings.password == SECRET
    assert settings.tls is not None
    assert settings.tls.key == tmp_path / "device.key"


def test_a_device_may_speak_two_languages(tmp_path: Path) -> None:
    def spoken(lines: str) -> tuple[str, ...]:
        text = RESIDENT.replace('name = "indoor1"', f'name = "indoor1"\n{lines}')
        return load_site(_resident(tmp_path, text)).device.languages

    assert spoken("") == ("en",)
    assert spoken('language = "zh"\nsecond_language = "en"') == ("zh", "en")
    assert spoken('language = "zh"\nsecond_language = "zh"') == ("zh",)
    with pytest.raises(ConfigError, match=r"device\.second_language: must be 'en' or 'zh'"):
        spoken('second_language = "fr"')


@pytest.mark.parametrize(("priority", "q"), [(1, 1.0), (2, 0.9), (10, 0.1)])
def test_a_console_of_a_lower_priority_rings_later(tmp_path: Path, priority: int, q: float) -> None:
    site = load_site(_resident(tmp_path, f"{RESIDENT}\n[console]\npriority = {priority}\n"))
    assert site.sip_settings().preference == q


CLOUD = """
[cloud]
user = "301.lakeside"
domain = "cloud.example"
registrar = "sip:cloud.example:5061;transport=tls"
password = "other"
[cloud.tls]
authority = "cloud.pem"
certificate = "device.pem"
key = "device.key"
"""


def test_a_phone_has_a_second_account_at_the_cloud(tmp_path: Path) -> None:
    path = _resident(tmp_path, RESIDENT + CLOUD)
    assert problems(load_site, path)[0].startswith("site.toml: cloud.tls.authority: there is no file")
    write(tmp_path, "cloud.pem", "PEM")
    settings = load_site(path).sip_settings()
    assert (settings.name, settings.domain) == ("home", "home.example")
    assert settings.away is not None
    assert (settings.away.name, settings.away.user, settings.away.domain) == ("cloud", "301.lakeside", "cloud.example")
    assert settings.away.tls is not None
    assert settings.away.tls.authority == tmp_path / "cloud.pem"
    assert "other" not in repr(settings)


def test_the_unlock_key_is_32_bytes(tmp_path: Path) -> None:
    site = load_site(_resident(tmp_path))
    assert site.unlock is not None
    assert site.unlock.key_bytes == bytes(range(32))


def test_secrets_are_in_no_text_that_a_site_makes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site = load_site(_resident(tmp_path))
    logging.getLogger("test").warning("%r %s %s", site, site, site.sip_settings())
    for text in (caplog.text, repr(site.model_dump()), site.model_dump_json()):
        assert SECRET not in text
        assert KEY not in text


@pytest.mark.parametrize("broken", [f'key = "{KEY}x"', f'kye = "{KEY}"', 'key = "c2hvcnQ="'])
def test_secrets_are_not_in_the_problems_of_their_file(tmp_path: Path, broken: str) -> None:
    text = RESIDENT.replace(f'key = "{KEY}"', broken).replace(f'"{SECRET}"', f'["{SECRET}"]')
    told = "\n".join(problems(load_site, _resident(tmp_path, text)))
    assert "sip.password" in told
    assert "unlock" in told
    assert SECRET not in told
    assert KEY not in told


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_site_file_that_others_can_read_is_refused_with_the_mending_command(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, "site.toml", SITE, mode)
    (line,) = problems(load_site, path)
    assert line == f"site.toml: holds secrets but has mode {mode:04o} (run: chmod 600 site.toml)"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = SITE.replace('"udp"', '"upd"') + "\n[timers]\nrign = 45\nring = -1\n[video]\nwidth = 641\n"
    assert problems(load_site, write(tmp_path, "site.toml", text, 0o644)) == [
        "site.toml: holds secrets but has mode 0644 (run: chmod 600 site.toml)",
        "site.toml: sip.transport: must be 'tls', 'tcp' or 'udp' (did you mean 'udp'?)",
        "site.toml: video.width: should be a multiple of 2",
        "site.toml: timers.ring: should be greater than 0",
        "site.toml: timers.rign: unknown key (did you mean 'ring'?)",
    ]


def test_tls_without_certificates_is_told(tmp_path: Path) -> None:
    (line,) = problems(load_site, write(tmp_path, "site.toml", SITE.replace('"udp"', '"tls"')))
    assert "needs a [tls] table" in line


def test_every_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = _resident(tmp_path)
    (tmp_path / "ca.pem").unlink()
    (tmp_path / "device.key").unlink()
    assert [line.split(":")[1].strip() for line in problems(load_site, path)] == ["tls.authority", "tls.key"]


def test_a_registrar_needs_a_password(tmp_path: Path) -> None:
    (line,) = problems(load_site, _resident(tmp_path, RESIDENT.replace(f'password = "{SECRET}"', "")))
    assert "sip.password is not" in line


def test_door_codes_are_kept_as_hashes_and_told_by_their_owner(tmp_path: Path) -> None:
    text = SITE + f'\n[codes]\npost = "{hash_code("4711")}"\ncleaning = "{hash_code("20024")}"\n'
    codes = load_site(write(tmp_path, "site.toml", text)).codes
    assert whose("20024", codes) == "cleaning"
    assert whose("4711", codes) == "post"
    assert whose("4712", codes) is None


def test_a_door_code_in_the_clear_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = SITE + '\n[codes]\npost = "471147"\n'
    (line,) = problems(load_site, write(tmp_path, "site.toml", text))
    assert line == "site.toml: codes: post is not a hashed code; make one with `intercom code`"


def test_an_endpoint_gets_its_three_files(tmp_path: Path) -> None:
    board = write(tmp_path, "board.toml", BOARD)
    site = write(tmp_path, "site.toml", SITE)
    write(tmp_path, "people.toml", PEOPLE)
    configuration = load_endpoint(board, site, "door-station")
    assert configuration.board.name == "bench"
    assert configuration.site.device.place == "Gate 1"
    assert configuration.directory.flats["301"].devices == {"indoor1": KEY}


def test_the_problems_of_all_three_files_are_told_at_once(tmp_path: Path) -> None:
    board = write(tmp_path, "board.toml", BOARD.replace("[devices.camera]", "[devices.camrea]"))
    site = write(tmp_path, "site.toml", SITE + "\n[video]\nrate = 0\n")
    with pytest.raises(ConfigError) as caught:
        load_endpoint(board, site, "door-station")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [str(board), str(site)]


def test_a_board_of_another_kind_is_told_with_the_command_for_it(tmp_path: Path) -> None:
    board = write(tmp_path, "board.toml", BOARD)
    site = write(tmp_path, "site.toml", SITE)
    write(tmp_path, "people.toml", PEOPLE)
    with pytest.raises(ConfigError, match="start `intercom door-station`"):
        load_endpoint(board, site, "indoor-unit")


def test_a_door_may_have_an_account_for_each_server_that_it_calls(tmp_path: Path) -> None:
    more = f'\n[accounts."home301.example"]\nuser = "door1"\npassword = "{SECRET}"\n'
    settings = load_site(_resident(tmp_path, RESIDENT + more)).sip_settings()
    assert [(one.realm, one.user, one.password) for one in settings.logins] == [("home301.example", "door1", SECRET)]
    assert SECRET not in repr(settings)


def test_messages_are_off_without_their_table_and_the_sample_shows_its_defaults(tmp_path: Path) -> None:
    sample = (Path(__file__).parents[2] / "board-configs/samples/door-station.site.toml").read_text("utf-8")
    lines = sample[sample.index("# [messages]") :].split("\n\n")[0].splitlines()
    shown = "\n".join(line.removeprefix("# ") for line in lines)
    assert load_site(write(tmp_path, "none.toml", SITE)).messages is None
    assert load_site(write(tmp_path, "site.toml", SITE + shown)).messages == Messages()
    wrong = SITE + "[messages]\nlimit = 500\nquotas = 3\n"
    assert problems(load_site, write(tmp_path, "wrong.toml", wrong)) == [
        "wrong.toml: messages.limit: should be less than or equal to 120",
        "wrong.toml: messages.quotas: unknown key (did you mean 'quota'?)",
    ]
