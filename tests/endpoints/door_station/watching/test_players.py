"""What others make of a door's pictures: FFmpeg's programs and a browser."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.endpoints.door_station.watching.doors import HEIGHT, LIMIT, WIDTH, WatchedDoor, watched_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedDoor]:
    with watched_door(tmp_path_factory.mktemp("door")) as made:
        yield made


def said_by(*command: str) -> str:
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here: apt-get install ffmpeg")
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_ffprobe_knows_the_film_for_what_it_is(door: WatchedDoor) -> None:
    shown = "stream=codec_name,profile,width,height,time_base"
    told = said_by("ffprobe", "-v", "error", "-show_entries", shown, "-of", "csv=p=0", door.url("/live.mp4"))
    assert told.strip() == f"h264,Constrained Baseline,{WIDTH},{HEIGHT},1/90000"


@pytest.mark.parametrize("path", ["/live.mp4", "/live.mjpeg"])
def test_ffmpeg_plays_what_comes_without_complaint(door: WatchedDoor, path: str) -> None:
    form = ["-f", "mpjpeg"] if path.endswith("mjpeg") else []
    quiet = ["ffmpeg", "-v", "error", "-xerror", *form, "-i", door.url(path)]
    checks = said_by(*quiet, "-map", "0:v", "-frames:v", "10", "-f", "framecrc", "-")
    assert len([line for line in checks.splitlines() if not line.startswith("#")]) == 10


@pytest.mark.browser
def test_a_browser_shows_the_film_and_the_jpegs(door: WatchedDoor) -> None:
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    page_text = f"""<video autoplay muted src="{door.url("/live.mp4")}"></video><img src="{door.url("/live.mjpeg")}">"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(LIMIT * 1000)
        page.set_content(page_text, wait_until="commit")
        page.wait_for_function("document.querySelector('video').currentTime > 0.5")
        page.wait_for_function("document.querySelector('img').naturalWidth > 0")
        video, image = page.locator("video"), page.locator("img")
        assert video.evaluate("v => [v.videoWidth, v.videoHeight]") == [WIDTH, HEIGHT]
        assert image.evaluate("i => [i.naturalWidth, i.naturalHeight]") == [WIDTH, HEIGHT]
        browser.close()


def test_a_film_can_be_kept_and_played_later(door: WatchedDoor, tmp_path: Path) -> None:
    film = tmp_path / "door.mp4"
    with film.open("wb") as file:
        answer = door.ask("/live.mp4", door.token(seconds=1.0))
        shutil.copyfileobj(answer, file)
    told = said_by("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", str(film))
    assert int(told.split("nb_read_frames=")[1].split()[0]) > 5
