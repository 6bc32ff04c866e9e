"""`intercom homelink messages`: what is kept of a home, and its key, from the command line."""

from pathlib import Path

import pytest

from servers.database import Database
from servers.homelink.main import main
from servers.homelink.site import load_site
from servers.messages.desk import store_of
from servers.messages.uploads import Uploads
from tests.servers.homes import own_address, write_site
from tests.servers.messages.test_uploads import hand_in
from tests.servers.messages.visitors import noise


def test_the_key_of_a_home_is_printed_and_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_site(tmp_path, own_address(), ("udp",), None)
    site, left = load_site(file), noise()
    site.databases.prepare()
    database = Database(site.database_url)
    store = store_of(database, site.databases.messages, site.messages)
    hand_in(Uploads(store), left, "home")
    before = store.keys.exported("home")
    assert main(["messages", "list", "--site", str(file)]) == 0
    assert "home                  1 new      0 seen   kept 90 days" in capsys.readouterr().out
    assert main(["messages", "key", "--site", str(file), "home"]) == 0
    assert capsys.readouterr().out == before
    assert main(["messages", "rotate", "--site", str(file), "home"]) == 0
    assert "1 messages of home have a new key" in capsys.readouterr().out
    assert store.keys.exported("home") != before
    assert b"".join(store.content("home", left.id).read()) == left.content
    assert main(["messages", "key", "--site", str(file), "302"]) == 1
    assert "nothing is kept of home '302'; there are: home" in capsys.readouterr().err
    database.close()
