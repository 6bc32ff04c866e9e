"""The whole community on one page, in a real browser: doors, homes, guards, servers, and the messages of a call."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sim.client import Community

pytestmark = [pytest.mark.browser, pytest.mark.kamailio]

LIMIT = 30_000.0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, whole: Community, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = getattr(request, "param", (1600, 1000))
    address = urlsplit(whole.facts["devices"][0]["control"])
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(LIMIT)
    expect.set_options(timeout=LIMIT)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"http://{address.netloc}/#{whole.facts['token']}")
    expect(page.locator("#link")).to_have_text("Live")
    yield page
    page.close()
    assert complaints == []


@pytest.mark.flow("G1")
def test_a_visitor_at_the_second_gate_calls_the_guards_and_the_page_draws_the_messages(page: Page) -> None:
    for key in "0#":
        page.locator("#door2 .keys button", has_text=key).click()
    expect(page.locator("#console1 .title")).to_have_text("Gate 2 is calling")
    expect(page.locator("#door2 .stages [data-state=ringing]")).to_have_text("Guards")
    page.click("#console1 [data-button=answer]")
    expect(page.locator("#console2 .title")).to_have_text("Answered elsewhere")
    expect(page.locator("#door2 .stages [data-state=answered]")).to_have_text("Guards")
    page.click("#console1 [data-button=hangup]")
    expect(page.locator("#ladder .party").nth(0)).to_have_text("door2")
    expect(page.locator("#ladder .party").nth(1)).to_have_text("management")
    expect(page.locator("#ladder .hop.good .label", has_text="200 BYE").first).to_be_visible()
    page.locator("#ladder .hop").first.click()
    expect(page.locator("#message")).to_contain_text("INVITE sip:guard@")


def test_a_server_goes_down_and_comes_back_on_the_page(page: Page, whole: Community) -> None:
    page.click("#server-management [data-state=silent]")
    expect(page.locator("#server-management")).to_have_attribute("data-state", "silent")
    expect(page.locator("#fault-count")).to_have_text("1")
    page.click("#server-management [data-state=up]")
    expect(page.locator("#fault-count")).to_be_hidden()


def test_a_line_is_cut_and_mended_on_the_page(page: Page) -> None:
    page.click("#faults summary")
    line = page.locator("label.line", has_text="phone2 to cloud").locator("select")
    line.select_option("cut")
    expect(page.locator("#fault-count")).to_have_text("1")
    line.select_option("good")
    expect(page.locator("#fault-count")).to_be_hidden()


@pytest.mark.parametrize("page", [(375, 740)], indirect=True)
def test_it_fits_a_phone_sized_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.locator("#places a", has_text="Guards").click()
    expect(page.locator("#console3")).to_be_visible()
