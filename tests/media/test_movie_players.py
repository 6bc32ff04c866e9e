"""Films in the players of others: ffprobe and a browser know their length, and play them, finished and cut short."""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from media.film_index import index_of
from media.fragments import whole
from tests.media.film import fragments_of

SECONDS = 6
PLAYED = """film => new Promise((resolve, reject) => {
  const video = document.createElement("video");
  video.muted = true;
  setTimeout(() => reject(new Error(`it stands at ${video.currentTime} of ${video.duration}`)), 60000);
  video.onerror = () => reject(new Error(video.error.message));
  video.onloadedmetadata = () => { video.currentTime = 2.5; };
  video.onseeked = () => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const light = context.getImageData(0, 0, canvas.width, canvas.height).data.reduce((sum, one) => sum + one, 0);
    video.onended = () => resolve([video.duration, light > 0, video.currentTime]);
    video.playbackRate = 8;
    video.play();
  };
  video.src = "data:video/mp4;base64," + film;
})"""


@pytest.fixture(scope="module")
def fragments() -> list[bytes]:
    return list(fragments_of(SECONDS))


def finished(film: bytes) -> bytes:
    made, found = bytearray(film), whole(io.BytesIO(film))
    for patch in index_of(io.BytesIO(film), found.size, found.duration_ms) or ():
        made[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(made)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_ffprobe_knows_how_long_a_film_is(fragments: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(finished(b"".join(fragments)))
    probe = ["ffprobe", "-v", "warning", "-show_format", "-show_streams", "-of", "json", str(tmp_path / "film.mp4")]
    run = subprocess.run(probe, capture_output=True, check=True, text=True)
    told = json.loads(run.stdout)
    assert run.stderr == ""
    assert float(told["format"]["duration"]) == pytest.approx(SECONDS, abs=0.1)
    assert [stream["codec_name"] for stream in told["streams"]] == ["h264", "aac"]


@pytest.mark.browser
@pytest.mark.parametrize("cut", [False, True], ids=["finished", "cut short"])
def test_a_browser_plays_it_to_its_end_and_jumps_into_it(fragments: list[bytes], chromium: Browser, cut: bool) -> None:
    film = b"".join(fragments[:-4]) if cut else finished(b"".join(fragments))
    page = chromium.new_page()
    duration, seen, end = page.evaluate(PLAYED, base64.b64encode(film).decode())
    page.close()
    length = whole(io.BytesIO(film)).duration_ms / 1000
    assert duration == pytest.approx(length, abs=0.5 if cut else 0.1)
    assert (seen, end) == (True, pytest.approx(duration, abs=0.1))
