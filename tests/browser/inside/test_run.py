"""The run over all test images, seen by all."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Site, until

Check = Callable[[Page, str], None]


def test_a_run_seen_by_two(page: Page, context: BrowserContext, site: Site, check: Check) -> None:
    other = context.new_page()
    for opened in (page, other):
        opened.goto(site.at("/run"))
    check(page, "run-none")
    site.chip.goes.clear()
    try:
        page.click("#start")
        other.click("#cancel")
        until(lambda: site.demo.whole_set._cancelled, page)
    finally:
        site.chip.goes.set()
    expect(page.locator("#state")).to_contain_text("Cancelled after")
    page.click("#start")
    for opened in (page, other):
        expect(opened.locator("#state")).to_contain_text("Done")
        expect(opened.locator("#done")).to_have_text("200")
    right = sum(int(cell) for cell in page.locator("td.right").all_inner_texts())
    expect(page.locator("#accuracy")).to_have_text(f"{right / 2:.2f}%")
    assert 150 < right < 200  # of the first twenty, more than three quarters
    check(page, "run-done")
    other.goto(site.at("/run"))  # as it is without script, too
    expect(other.locator("#done")).to_have_text("200")


def test_a_run_that_too_many_watch(page: Page, site: Site, check: Check) -> None:
    page.clock.install()
    page.route("**/api/run/events", lambda route: route.fulfill(status=503))
    page.goto(site.at("/run"))
    expect(page.locator("#state")).to_contain_text("Too many watch just now")
    check(page, "run-too-many")
    page.unroute_all()
    page.clock.run_for(5000)
    expect(page.locator("#state")).not_to_contain_text("Too many")


def test_for_programs(page: Page, site: Site, check: Check) -> None:
    page.goto(site.at("/api"))
    expect(page.locator("main")).to_contain_text(f"{site.at()}api/classify")
    check(page, "programs")
