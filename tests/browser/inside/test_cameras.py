"""Live cameras: Chromium's own fake device, and one played on the board."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from board_app.pictures.cifar10 import CLASSES

from .conftest import Site, until

Check = Callable[[Page, str], None]


def widths(page: Page) -> list[str | None]:
    return [bar.get_attribute("width") for bar in page.locator(".bars rect").all()]


def test_this_devices_camera(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    page.click("#camera")
    expect(page.locator("#pace")).to_contain_text("pictures/s")
    expect(page.locator(".stage video")).to_be_visible()
    expect(page.locator(".frame rect")).to_be_visible()
    expect(page.locator(".bars li")).to_have_count(10)
    first = widths(page)
    until(lambda: widths(page) != first, page)  # continuous
    expect(page.locator("li.likeliest")).to_have_count(1)
    assert page.title() in (page.inner_text("li.likeliest span >> nth=0"), "not sure")
    check(page, "camera")
    page.click("text=Race the processor")
    expect(page.locator("#race h3")).to_contain_text("times as fast")
    page.click("text=Stop")
    expect(page.locator(".stage canvas")).to_be_visible()
    expect(page.locator("#pace")).to_have_count(0)


@pytest.mark.parametrize(
    ("error", "text"),
    [("NotAllowedError", "may not use the camera"), ("NotFoundError", "has no camera")],
)
def test_refused(page: Page, site: Site, check: Check, error: str, text: str) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => "
        f"{{ throw new DOMException('', '{error}'); }}"
    )
    page.goto(site.at())
    page.click("#camera")
    expect(page.locator("[role=alert]")).to_contain_text(text)
    check(page, error)


def test_over_plain_http_the_page_says_how(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at(host="board.example"))
    expect(page.locator("#camera")).to_be_disabled()
    expect(page.locator("#camera-note")).to_contain_text("HTTPS")
    check(page, "plain-http")


def test_the_boards_camera(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    page.click("#board-camera")
    expect(page.locator("#pace")).to_contain_text("pictures/s")
    assert page.evaluate("document.getElementById('shown').naturalWidth") == 400
    first = widths(page)
    until(lambda: widths(page) != first, page)
    check(page, "board-camera")
    headline = page.locator("#result h2")
    site.camera.plugged = False
    try:
        expect(page.locator("#pace")).to_contain_text("plugged")
        expect(page.locator("#pace")).to_contain_text("tries again in 1 s")
        expect(page).to_have_title("The board's camera gives no picture")
        for last in (headline, page.locator("#shown")):  # they do not show what is there now
            expect(last).to_have_css("opacity", "0.35")
        expect(page.locator(".frame")).to_be_hidden()
        check(page, "unplugged")
    finally:
        site.camera.plugged = True
    expect(page.locator("#pace")).to_contain_text("pictures/s")
    for now in (headline, page.locator("#shown")):
        expect(now).to_have_css("opacity", "1")
    expect(page.locator(".frame")).to_be_visible()
    until(lambda: page.title() in (*CLASSES, "not sure"), page)
    page.click("text=Stop")
    expect(page.locator(".stage canvas")).to_be_visible()


def test_a_live_camera_waits_for_a_server_with_too_much_to_do(
    page: Page, site: Site, check: Check
) -> None:
    page.goto(site.at())
    page.click("#camera")
    expect(page.locator("#pace")).to_contain_text("pictures/s")
    site.chip.busy = 40
    try:
        expect(page.locator("#pace")).to_contain_text(re.compile(r"tries again in \d\d s"))
        expect(page).to_have_title("Too much to do just now")
        expect(page.locator(".stage video")).to_be_visible()
        expect(page.locator("#result h2")).to_have_css("opacity", "0.35")
        check(page, "camera-put-off")
    finally:
        site.chip.busy = 0
    page.click("text=Stop")
    expect(page.locator("#pace")).to_have_count(0, timeout=10_000)


def test_no_camera_of_the_board_when_the_page_is_opened(
    page: Page, site: Site, check: Check
) -> None:
    site.camera.plugged = False
    try:
        page.wait_for_timeout(1500)  # it is looked for once a second
        page.goto(site.at("/camera"))
        expect(page.locator("#pace")).to_contain_text("plugged")
        check(page, "unplugged-before")
    finally:
        site.camera.plugged = True
    expect(page.locator("#pace")).to_contain_text("pictures/s")
    expect(page.locator(".bars li")).to_have_count(10)


def test_a_live_picture_that_too_many_watch(page: Page, site: Site, check: Check) -> None:
    page.clock.install()
    page.route("**/camera/stream", lambda route: route.fulfill(status=503))
    page.goto(site.at("/camera"))
    shown = page.locator("#shown")
    expect(shown).to_have_attribute("alt", re.compile("many watch"))
    expect(page.locator(".bars li")).to_have_count(10)
    for useless in (".frame", "#race"):  # there is no picture to frame or to send
        expect(page.locator(useless)).to_be_hidden()
    check(page, "board-camera-too-many")
    page.unroute_all()
    page.clock.run_for(6000)
    until(lambda: shown.evaluate("image => image.naturalWidth") == 400, page)
    expect(shown).to_have_attribute("alt", re.compile("live"))
    expect(page.locator(".frame")).to_be_visible()
