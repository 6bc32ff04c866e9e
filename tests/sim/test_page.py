"""The page in a real browser: a person walks up to the door, is seen on every screen, and is let in."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sim.client import Community

pytestmark = [pytest.mark.browser, pytest.mark.kamailio]

LIMIT = 30_000.0
SCREENS = ("indoor1", "indoor2", "phone1")
BRIGHTNESS = """canvas => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return data.reduce((sum, value) => sum + value, 0) / data.length;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(context: BrowserContext, community: Community) -> Page:
    page = context.new_page()
    page.set_default_timeout(LIMIT)
    expect.set_options(timeout=LIMIT)
    address = urlsplit(community.facts["devices"][0]["control"])
    page.goto(f"http://{address.netloc}/#{community.facts['token']}")
    expect(page.locator("#link")).to_have_text("Live")
    return page


@pytest.fixture
def page(chromium: Browser, community: Community) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield open_page(context, community)
    context.close()


@pytest.fixture
def phone_page(chromium: Browser, community: Community) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    yield open_page(context, community)
    context.close()


@pytest.fixture(autouse=True)
def idle_again(community: Community) -> Iterator[None]:
    """Whatever a test left: nobody calls any more."""
    yield
    for screen in community.screens:
        if screen.state()["phase"] in ("ringing", "talking", "answering"):
            screen.press("answer")
            screen.press("hangup")
            screen.wait_for("state", new="idle")


def button(page: Page, device: str, name: str) -> str:
    return f"#{device} [data-button={name}]"


def test_a_person_rings_with_the_mouse_is_seen_everywhere_and_let_in(page: Page) -> None:
    for key in "301#":
        page.locator("#door1 .keys button", has_text=key).click()
    for name in SCREENS:
        expect(page.locator(f"#{name} .title")).to_have_text("Gate 1 is calling")
        page.wait_for_function(f"canvas => ({BRIGHTNESS})(document.querySelector(canvas)) > 60", arg=f"#{name} canvas")
    page.click(button(page, "indoor2", "answer"))
    expect(page.locator("#indoor2 .title")).to_have_text("Talking to Gate 1")
    expect(page.locator("#indoor1 .title")).to_have_text("Answered elsewhere")
    expect(page.locator(button(page, "indoor1", "answer"))).to_be_disabled()
    page.click(button(page, "indoor2", "unlock"))
    expect(page.locator("#door1 .lock")).to_have_text("Unlocked")
    expect(page.locator("#door1 .signal")).to_have_text("Please come in")
    page.click("#door1 .push")
    expect(page.locator("#door1 .ajar")).to_have_text("The door stands open")
    page.click("#door1 .push")
    page.click(button(page, "indoor2", "hangup"))
    expect(page.locator("#door1 .lock")).to_have_text("Locked")
    expect(page.locator("#timeline")).to_contain_text("Unlock granted to indoor2")


def test_a_person_rings_with_the_keyboard(page: Page) -> None:
    page.keyboard.type("3")
    expect(page.locator("#door1 .typed")).to_have_text("3")
    page.keyboard.type("01#")
    expect(page.locator("#phone1 .title")).to_have_text("Gate 1 is calling")
    page.focus(button(page, "phone1", "decline"))
    page.keyboard.press("Enter")
    expect(page.locator(button(page, "phone1", "answer"))).to_be_disabled()
    expect(page.locator("#indoor1 .title")).to_have_text("Gate 1 is calling")
    page.locator(button(page, "indoor1", "answer")).focus()
    page.keyboard.press("a")
    expect(page.locator("#indoor1 .title")).to_have_text("Talking to Gate 1")
    page.keyboard.press("h")
    expect(page.locator("#door1 .signal")).to_have_text("Welcome")


def test_the_page_works_by_touch_on_a_phone(phone_page: Page) -> None:
    page = phone_page
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.locator("#door1 .ring").tap()
    expect(page.locator("#places a:nth-child(2)")).to_have_class("ringing")
    page.locator("#places a:nth-child(2)").tap()
    page.locator(button(page, "phone1", "answer")).tap()
    expect(page.locator("#phone1 .title")).to_have_text("Talking to Gate 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.locator(button(page, "phone1", "hangup")).tap()
    expect(page.locator(button(page, "phone1", "hangup"))).to_be_disabled()


def test_a_fault_is_made_and_mended_on_the_page(page: Page, community: Community) -> None:
    page.click("#faults summary")
    page.get_by_label("Camera unplugged").check()
    expect(page.locator("#fault-count")).to_have_text("1")
    assert community["door1"].state()["faults"] == ["camera-gone"]
    page.get_by_label("Camera unplugged").uncheck()
    expect(page.locator("#fault-count")).to_be_hidden()


@pytest.fixture
def everybody_quiet(community: Community) -> Iterator[None]:
    """Nobody wants to be disturbed, so that a visitor is asked for a message at once."""
    for on in (True, False):
        for screen in community.screens:
            screen.forget()
            screen.press("dnd")
            screen.wait_for("do-not-disturb", LIMIT / 1000, on=on)
        if on:
            yield


@pytest.mark.flow("V5")
def test_a_visitor_leaves_a_message_and_the_page_plays_it(
    page: Page, community: Community, everybody_quiet: None
) -> None:
    door = community["door1"]
    door.forget()
    page.keyboard.type("301#")
    door.wait_for("ended", LIMIT / 1000)
    page.keyboard.type("#")
    expect(page.locator("#door1 .signal")).to_have_text("Please speak")
    page.keyboard.type("#")
    expect(page.locator("#timeline")).to_contain_text("is kept")
    message = page.locator("#mail [data-kind=message]").first
    page.wait_for_function("() => document.querySelector('#mail [data-kind=message] img')?.naturalWidth > 0")
    message.click()
    page.wait_for_function("() => document.querySelector('#film video')?.currentTime > 0")
    page.wait_for_function(f"""() => {{
      const video = document.querySelector("#film video"), canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.getContext("2d").drawImage(video, 0, 0);
      return canvas.width === 640 && ({BRIGHTNESS})(canvas) > 60;
    }}""")
    page.click("#film button")
    page.click(button(page, "indoor1", "messages"))
    page.click(button(page, "indoor1", "play"))
    page.wait_for_function(f"() => ({BRIGHTNESS})(document.querySelector('#indoor1 canvas')) > 60")
    expect(page.locator("#timeline")).to_contain_text("A message was played")
    page.click(button(page, "indoor1", "hangup"))


@pytest.mark.parametrize("token", ["", "#wrong"])
def test_the_page_without_the_token_says_what_to_do(chromium: Browser, community: Community, token: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    address = urlsplit(community.facts["devices"][0]["control"])
    page.goto(f"http://{address.netloc}/{token}")
    expect(page.locator("#link")).to_have_text("Open the address that the simulator printed")
    context.close()


def test_the_call_is_heard_on_the_page(page: Page, community: Community) -> None:
    """What the loudspeaker of the street sounds arrives as sound, and nothing on the page complains."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with page.expect_websocket(lambda socket: socket.url.endswith("/sound/door1")) as opened:
        page.select_option("#listen", "door1")
    with opened.value.expect_event("framereceived", timeout=LIMIT) as frame:
        page.click("#door1 .ring")
    assert len(frame.value) > 0
    assert complaints == []
