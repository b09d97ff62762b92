"""Pictures from everywhere: files, photos, samples, other pages, the clipboard."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from board_app.web import message

from .conftest import DESKTOP, PHONE, SHIP, Site, until

Check = Callable[[Page, str], None]


def assert_found(page: Page, site: Site) -> None:
    """The page shows what is in the site's photo: class, place, pixels, times and title."""
    found = site.found
    expect(page.locator("#result h2")).to_contain_text(found.label)
    expect(page).to_have_title(found.label)
    expect(page.locator(".bars >> nth=0").locator("li")).to_have_count(10)
    expect(page.locator("li.likeliest")).to_contain_text(f"{100 * found.probability:.1f}%")
    box = page.locator(".frame rect")
    left, top, right, bottom = found.box
    frame = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    for name, value in frame.items():
        expect(box).to_have_attribute(name, str(value))
    assert SHIP[0] < (left + right) / 2 < SHIP[2] and SHIP[1] < (top + bottom) / 2 < SHIP[3]
    seen = page.locator("img.pixels")
    assert seen.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [32, 32]
    expect(page.locator(".times")).to_contain_text("µs")


def upload(page: Page, site: Site) -> None:
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": site.photo}
    page.set_input_files("#picture", photo)


def test_upload_and_race(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    check(page, "start")
    upload(page, site)
    assert_found(page, site)
    expect(page.locator("#race h3")).to_contain_text("times as fast")
    expect(page.locator("#result")).to_be_focused()
    check(page, "upload")
    page.emulate_media(color_scheme="dark")
    check(page, "upload-dark")


def test_on_a_phone(browser: Browser, site: Site, check: Check) -> None:
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.goto(site.at())
    shot = page.locator("#shot")
    expect(shot).to_be_visible()
    assert shot.get_attribute("capture") == "environment"
    shot.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": site.photo})
    assert_found(page, site)
    expect(page.locator("#race h3")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390  # nothing sticks out
    check(page, "phone")
    context.close()


def test_samples_by_keyboard_with_addresses(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    page.locator("#samples a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#result h2")).to_contain_text("and right")
    title = page.title()
    address = page.url
    assert "/samples/" in address
    check(page, "sample")
    page.go_back()
    expect(page).to_have_title("What is in the picture?")
    page.goto(address)
    expect(page).to_have_title(title)


def test_without_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(**DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(site.at())
    expect(page.locator("#camera")).to_be_hidden()
    upload(page, site)
    page.check("[name=race]")
    page.click("#upload button")
    assert_found(page, site)
    expect(page.locator("#race h3")).to_contain_text("times as fast")
    page.locator("#samples a").first.click()
    expect(page.locator("#result h2")).to_contain_text("and right")
    page.click("text=Race the processor")
    expect(page.locator("#race h3")).to_be_visible()
    context.close()


# What a browser gives to a page: a file, or the HTML and the address of another page's picture.
GIVE = """([kind, file, html]) => {
  const transfer = new DataTransfer();
  if (file) {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  }
  if (html) transfer.setData("text/html", html);
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_files_dropped_and_pasted(page: Page, site: Site, kind: str) -> None:
    page.goto(site.at())
    page.evaluate(GIVE, [kind, base64.b64encode(site.photo).decode(), ""])
    assert_found(page, site)


def test_pictures_of_other_pages(page: Page, site: Site, check: Check) -> None:
    def elsewhere(route: Route) -> None:
        if "shared" in route.request.url:
            route.fulfill(body=site.photo, content_type="image/jpeg")
        else:
            route.abort()  # as where the page does not allow it; playwright allows all it plays

    page.route("https://elsewhere.example/*", elsewhere)
    page.goto(site.at())
    page.evaluate(GIVE, ["drop", "", '<a><img src="https://elsewhere.example/shared.jpg"></a>'])
    assert_found(page, site)
    page.evaluate(GIVE, ["drop", "", '<img src="https://elsewhere.example/own.jpg">'])
    expect(page.locator("#result")).to_contain_text("copy the picture itself")
    check(page, "not-handed-out")


def test_bad_pictures_and_pages(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    text = {"name": "cat.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.set_input_files("#picture", text)
    expect(page.locator("[role=alert]")).to_contain_text("Not a picture that can be read")
    expect(page).to_have_title("This cannot be read as a picture")
    check(page, "no-picture")
    page.goto(site.at("/samples/4711"))
    expect(page.locator("[role=alert]")).to_contain_text("no such page")
    check(page, "no-page")


def test_a_server_that_hangs_and_one_that_is_gone(
    page: Page, context: BrowserContext, site: Site, check: Check
) -> None:
    page.clock.install()
    page.goto(site.at())
    page.route(site.at(), lambda route: None)
    upload(page, site)
    page.wait_for_timeout(200)
    page.clock.run_for(2000)
    expect(page.locator("#result")).to_contain_text("Waiting for the answer … 2 s")
    page.clock.run_for(4000)
    expect(page.locator("#result")).to_contain_text("No answer for 6 s")
    check(page, "hung")
    page.click("text=Cancel")
    expect(page).to_have_title("Cancelled")
    page.unroute_all()
    context.set_offline(True)
    page.click("text=Try again")
    expect(page.locator("[role=alert]")).to_contain_text("cannot be reached")
    check(page, "offline")
    context.set_offline(False)
    page.click("text=Try again")
    assert_found(page, site)


def test_a_server_with_too_much_to_do_is_asked_again(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at())
    site.chip.busy = 40
    try:
        upload(page, site)
        expect(page).to_have_title("Too much to do just now")
        expect(page.locator("[role=timer]")).to_contain_text("The page tries again in")
        check(page, "put-off")
        page.click("text=Cancel")
        expect(page).to_have_title("Cancelled")
        page.click("text=Try again")
        expect(page.locator("[role=timer]")).to_be_visible()
        site.chip.busy = 0
        page.click("text=Try now")
        assert_found(page, site)
        site.chip.busy = 1
        upload(page, site)
        expect(page.locator("[role=timer]")).to_contain_text("in 1 s")
    finally:
        site.chip.busy = 0
    assert_found(page, site)  # by itself


def test_a_server_with_too_many_connections(page: Page, site: Site) -> None:
    """Which answers before the application, with no page of the demo."""
    head, _, body = message.error(503, "too many connections", "/", 1).partition(b"\r\n\r\n")
    headers = dict(line.split(": ") for line in head.decode().split("\r\n")[1:])

    page.goto(site.at())
    page.route(site.at(), lambda route: route.fulfill(status=503, headers=headers, body=body))
    upload(page, site)
    expect(page.locator("#result")).to_contain_text("too many connections")
    expect(page.locator("[role=timer]")).to_be_visible()
    page.unroute_all()
    assert_found(page, site)


def test_the_same_file_may_be_chosen_again(page: Page, site: Site) -> None:
    page.goto(site.at())
    for _ in range(2):
        with page.expect_file_chooser() as chooser:
            page.click("#picture")
        photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": site.photo}
        chooser.value.set_files(photo)
        assert_found(page, site)
        page.evaluate("document.getElementById('result').replaceChildren()")


def test_a_race_can_be_cancelled(page: Page, site: Site) -> None:
    page.goto(site.at())
    races: list[Route] = []
    page.route("**/samples/*race=1", lambda route: races.append(route))
    page.locator("#samples a").first.click()
    until(lambda: bool(races), page)
    page.click("text=Cancel the race")
    expect(page.locator("#race")).to_contain_text("was cancelled")
    page.unroute_all()
    page.click("text=Race the processor")
    expect(page.locator("#race h3")).to_be_visible()
