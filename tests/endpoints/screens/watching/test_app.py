"""An indoor unit watches: leases taken, renewed and given back, pictures on the display, and a visitor comes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from endpoints.resident.compose import compose
from endpoints.screens.app import ScreenApp
from endpoints.screens.watching import viewer
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.screens.test_app import SITE, press, visitor
from tests.endpoints.screens.watching.porter import Porter, at_work
from tests.media.pictures import number_of

pytestmark = pytest.mark.flow("M1")
Hall = Bench[ScreenApp]


@pytest.fixture
def porter() -> Iterator[Porter]:
    with at_work(Porter()) as made:
        yield made


@contextmanager
def switched_on(folder: Path, porter: Porter) -> Iterator[Hall]:
    text = SITE.replace("[timers]", f'service = "{porter.url}"\n[timers]')
    with pytest.MonkeyPatch.context() as patch, bench("indoor-unit", compose, site_file(folder, text), patch) as made:
        made.agent.register()
        made.wait(lambda: watching(made)["sources"] is not None, "what may be watched")
        yield made


def watching(hall: Hall) -> dict[str, Any]:
    told = hall.port.ask("state")["watching"]
    assert isinstance(told, dict)
    return told


def shown(hall: Hall) -> int:
    picture = hall.devices["display"].shown
    return number_of(picture) if picture is not None else -1


def scene(hall: Hall) -> tuple[str, str]:
    now = hall.devices["display"].scene
    return now.title, now.detail


def test_one_door_after_the_other_is_watched_and_each_lease_given_back(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as hall:
        press(hall, "monitor")
        hall.wait(lambda: shown(hall) > 5, "the first door")
        hall.wait(lambda: scene(hall)[1].startswith("1 watching, 0."), "viewers and lateness")
        assert scene(hall)[0] == "The gate1"
        assert watching(hall)["late_ms"] < 60_000, "the clocks of a door and of a screen have nothing in common"
        press(hall, "monitor")
        assert hall.devices["display"].shown is None
        hall.wait(lambda: porter.back == ["lease1"], "the first lease is given back")
        hall.wait(lambda: shown(hall) > 2, "the second door")
        press(hall, "hangup")
        assert (hall.app.state.phase, hall.devices["display"].shown) == ("idle", None)
        hall.wait(lambda: porter.back == ["lease1", "lease2"], "the other lease too")
        hall.wait(lambda: not porter.watching, "and no more pictures come")
    assert [lease["target"] for lease in porter.given] == ["gate1", "gate2"]
    pictures = hall.told("watch-picture")
    assert [each["target"] for each in pictures] == ["gate1", "gate2"]


def test_a_visitor_has_the_screen_at_once(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as hall:
        press(hall, "monitor")
        hall.wait(lambda: shown(hall) > 2, "the door")
        visitor(hall)
        assert scene(hall)[0] == "Gate 1 is calling"
        assert hall.devices["display"].shown is None
        seen = len(hall.devices["display"].pictures)
        hall.wait(lambda: porter.back == ["lease1"], "the lease is given back")
        assert len(hall.devices["display"].pictures) == seen


def test_a_lease_is_renewed_while_somebody_watches(
    tmp_path: Path, porter: Porter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "RENEW", 0.1)
    porter.direct = True
    with switched_on(tmp_path, porter) as hall:
        press(hall, "monitor")
        hall.wait(lambda: "token-lease1" in porter.said, "the door is told the new token")
        hall.wait(lambda: len(porter.renewed) >= 2, "renewed")
        assert watching(hall)["live"] is True


def test_what_ends_by_itself_or_is_refused_is_said(tmp_path: Path, porter: Porter) -> None:
    with switched_on(tmp_path, porter) as hall:
        press(hall, "monitor")
        hall.wait(lambda: shown(hall) > 0, "the door")
        porter.end("lease1")
        hall.wait(lambda: scene(hall) == ("The gate1", "Watching ended, 1 of 2"), "why it ended")
        assert hall.devices["display"].shown is None
        porter.away = True
        press(hall, "monitor")
        hall.wait(lambda: scene(hall)[1] == "No picture now, 2 of 2", "the door is away")
        press(hall, "hangup")
        press(hall, "monitor")
        porter.refuses = 429
        press(hall, "monitor")
        hall.wait(lambda: scene(hall)[1] == "Too many watch already, 2 of 2", "why there is none")


def test_a_server_that_is_away_is_said(tmp_path: Path) -> None:
    with at_work(Porter()) as porter, switched_on(tmp_path, porter) as hall:
        press(hall, "monitor")
        hall.wait(lambda: shown(hall) > 0, "the door")
        press(hall, "hangup")
        hall.wait(lambda: porter.back == ["lease1"], "given back")
        porter.url = ""
        porter.refuses = 503
        press(hall, "monitor")
        hall.wait(lambda: scene(hall)[1] == "Refused (503), 1 of 2", "refused")
