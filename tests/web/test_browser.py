"""The pages in a real browser, of a real site: what a person does, and what may never happen meanwhile."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bench.browser import watched
from bench.pages_open import open_pages
from tests.scenarios.site import SiteUnderTest, until
from tests.web.browsing import opened, signed_in
from tests.web.pages import Addresses

HIDE: Final = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

# Generous, because tests share their machine; what must be fast is measured by the bench.
expect.set_options(timeout=20_000)
pytestmark = pytest.mark.scenario


def lines(tab: Page) -> list[str]:
    return tab.locator("#output-box code").inner_text().split("\n")


@pytest.mark.meets("BD-59")
def test_a_person_submits_a_job_and_sees_its_output_appear(tab: Page) -> None:
    tab.get_by_role("link", name="Submit", exact=True).click()
    tab.locator(".choices a", has_text="command").click()
    tab.get_by_label("Command").fill("printf '\\033[31mred\\033[0m <b>bold</b>\\n'; sleep 2; echo later")
    tab.get_by_label("Queue").select_option("default")
    tab.get_by_role("button", name="Submit").click()

    expect(tab.locator("h1")).to_contain_text("Job")
    expect(tab.locator("#output-box .ansi-fg-1")).to_have_text("red")
    assert "<b>bold</b>" in tab.locator("#output-box").inner_text()
    assert tab.locator("#output-box b").count() == 0
    expect(tab.locator("#output-box")).to_contain_text("later")
    expect(tab.locator("#live .badge").first).to_contain_text("succeeded")
    expect(tab.locator("#ask-retry")).to_be_visible()


def test_another_job_is_cancelled_and_the_page_follows(tab: Page, lively: SiteUnderTest) -> None:
    job = lively.submit("echo started; sleep 600")
    tab.goto(f"/jobs/{job}/")
    expect(tab.locator("#output-box")).to_contain_text("started")

    tab.get_by_role("link", name="Cancel").click()
    tab.get_by_role("button", name="Cancel").click()

    expect(tab.locator("#live .badge").first).to_contain_text("cancelled")
    expect(tab.locator("#attempts-title").locator("xpath=../..")).to_contain_text("cancelled")


def test_a_third_job_says_why_it_waits_and_starts_when_it_may(tab: Page, lively: SiteUnderTest) -> None:
    lively.post("queues", {"name": "halted", "enabled": False})
    job = lively.submit("echo at last", queue="halted")
    tab.goto(f"/jobs/{job}/")
    expect(tab.locator(".why")).to_contain_text('Queue "halted" is disabled.')

    tab.goto("/queues/halted/")
    expect(tab.locator("tr", has_text="at last")).to_contain_text('Queue "halted" is disabled.')
    tab.get_by_role("button", name="Enable").click()

    tab.goto(f"/jobs/{job}/")
    expect(tab.locator("#output-box")).to_contain_text("at last")


def test_a_page_that_was_away_goes_on_without_gap_or_repetition(tab: Page, lively: SiteUnderTest) -> None:
    job = lively.submit("for n in $(seq 60); do echo line $n; sleep 0.1; done")
    tab.goto(f"/jobs/{job}/")
    expect(tab.locator("#output-box")).to_contain_text("line 5")

    tab.evaluate(HIDE, True)
    until(lambda: b"line 30\n" in lively.output(job), seconds=20, what="the job goes on writing")
    assert "line 30" not in lines(tab)
    tab.evaluate(HIDE, False)

    expect(tab.locator("#output-box")).to_contain_text("line 60")
    assert [line for line in lines(tab) if line] == [f"line {number}" for number in range(1, 61)]


def test_a_page_whose_connection_is_cut_goes_on_without_gap_or_repetition(tab: Page, lively: SiteUnderTest) -> None:
    job = lively.submit("for n in $(seq 100); do echo line $n; sleep 0.1; done")
    tab.goto(f"/jobs/{job}/")
    expect(tab.locator("#output-box")).to_contain_text("line 5")

    web = [process for process in lively.processes() if "scheduler_site.web" in process.cmdline()]
    lively.kill(matching=r"scheduler_site\.web")

    expect(tab.locator("#output-box")).to_contain_text("line 100", timeout=40_000)
    assert web
    assert not any(process.is_running() for process in web)
    assert [line for line in lines(tab) if line] == [f"line {number}" for number in range(1, 101)]
    expect(tab.locator("#live .badge").first).to_contain_text("succeeded")


def test_a_list_shows_new_jobs_by_itself(tab: Page, lively: SiteUnderTest) -> None:
    tab.goto("/jobs/")

    job = lively.submit("true")

    expect(tab.locator(f"#job-{job}")).to_be_visible()
    expect(tab.locator("tr", has=tab.locator(f"#job-{job}"))).to_contain_text("succeeded")


def test_what_is_wrong_with_a_form_is_told_beside_the_field(tab: Page) -> None:
    tab.goto("/submit/command/")
    tab.get_by_label("Command").fill("")
    tab.get_by_role("button", name="Submit").click()

    expect(tab.locator(".field", has=tab.get_by_label("Command")).locator(".error")).to_be_visible()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_every_screen_in_both_themes(
    browser: Browser, lively: SiteUnderTest, addresses: Addresses, faults: list[str], width: int, scheme: str
) -> None:
    job = lively.submit("echo " + "a-long-word-" * 40)
    lively.finished([job], seconds=30)
    context = opened(browser, lively, faults, viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = signed_in(context)

    for address in ("/queues/", "/queues/default/", "/jobs/", f"/jobs/{job}/", "/submit/", "/submit/command/"):
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        numbers = [int(number) for number in re.findall(r"\d+", ground)[:3]]
        assert (sum(numbers) > 382) == (scheme == "light"), ground
    context.close()


def test_pages_can_be_read_and_used_without_scripts(
    browser: Browser, lively: SiteUnderTest, addresses: Addresses, faults: list[str]
) -> None:
    context = opened(browser, lively, faults, java_script_enabled=False)
    tab = signed_in(context)
    tab.goto("/submit/command/")
    tab.get_by_label("Command").fill("echo without scripts")
    tab.get_by_label("Queue").select_option("default")
    tab.get_by_role("button", name="Submit").click()
    job = int(tab.url.rstrip("/").split("/")[-1])
    lively.finished([job], seconds=30)

    tab.reload()

    assert "without scripts" in tab.locator("#output-box code").inner_text()
    assert "succeeded" in tab.locator("#live").inner_text()
    context.close()


def test_247_what_a_job_prints_never_becomes_more_than_coloured_text(tab: Page, lively: SiteUnderTest) -> None:
    odd = "<img src=x onerror=alert(1)>\\033[31m<script>alert(1)</script>\\033]8;;javascript:alert(1)\\007link\\033[0m"
    rest = "\\033[1\\n\\033[38;5;999mx\\033[9999;;;m\\n\\000\\010\\r\\nend\\n"
    job = lively.submit(f"printf '{odd}\\n{rest}'; sleep 1; printf '{odd}'")
    lively.finished([job], seconds=60)
    tab.goto(f"/jobs/{job}/")
    expect(tab.locator("#output-box .line").nth(4)).to_contain_text("end")

    tags = tab.evaluate("[...new Set([...document.querySelectorAll('#output-box *')].map((one) => one.tagName))]")
    assert set(tags) == {"CODE", "SPAN"}
    assert tab.locator("#output-box a, #output-box img, #output-box script").count() == 0
    expect(tab.locator("#output-box .ansi-fg-1").first).to_contain_text("<script>alert(1)</script>")


def test_248_a_line_without_an_end_keeps_the_page_usable(tab: Page, lively: SiteUnderTest) -> None:
    job = lively.submit("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end")
    lively.finished([job], seconds=120)
    tab.goto(f"/jobs/{job}/")

    expect(tab.locator("#output-box")).to_contain_text("end", timeout=30_000)
    assert tab.evaluate("document.getElementById('output-box').textContent.length") < 200_000


def test_a_file_is_uploaded_with_progress_and_its_path_stands_in_the_form(
    tab: Page, addresses: Addresses, lively: SiteUnderTest
) -> None:
    tab.goto("/submit/copy/")
    tab.locator("input[type=file]").set_input_files({"name": "up.txt", "mimeType": "text/plain", "buffer": b"up\n" * 9})
    expect(tab.get_by_label("Model", exact=True)).to_have_value("uploads/up.txt")
    tab.get_by_label("Report").fill("up-out.txt")
    tab.get_by_label("Queue").select_option("default")
    tab.locator("#send").click()

    expect(tab.locator("#view-report")).to_be_visible(timeout=30_000)
    tab.locator("#view-report").click()
    assert tab.locator("body").inner_text().split() == ["up"] * 9


def test_moments_are_in_the_viewers_zone_and_the_page_says_which(
    browser: Browser, lively: SiteUnderTest, addresses: Addresses, faults: list[str]
) -> None:
    context = opened(browser, lively, faults, timezone_id="America/New_York")
    page = signed_in(context)
    page.goto(addresses.signed_in["job done"])
    moment = page.locator("#live time[data-at]").first

    expect(page.locator("[data-zone]")).to_have_text("America/New_York")
    # What the stream brings is written in the site's zone and made the viewer's at once.
    until(partial(is_shown_in, ZoneInfo("America/New_York"), moment), seconds=10, what="the viewer's time")
    context.close()


def is_shown_in(zone: ZoneInfo, moment: Locator) -> bool:
    shown = datetime.fromisoformat(moment.inner_text()).replace(tzinfo=zone)
    return shown == datetime.fromisoformat(moment.get_attribute("datetime") or "")


def test_lines_are_soon_on_pages_however_many_are_open(tab: Page, lively: SiteUnderTest) -> None:
    job = lively.submit("for n in $(seq 400); do date +%s%N; sleep 0.2; done")
    tab.goto(f"/jobs/{job}/")
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in tab.context.cookies())
    web = next(process for process in lively.processes() if "scheduler_site.web" in process.cmdline())
    before = web.memory_info().rss
    streams = [f"/api/v1/jobs/{job}/output/stream?states=true"] * 30

    with open_pages(lively.port, cookie=cookie, jobs=streams, lists=["/api/v1/jobs/changes"] * 10) as pages:
        late = watched(tab, lines=30)
        grown = web.memory_info().rss - before

    lively.post(f"jobs/{job}/kill", expect=202)
    assert pages.lost == 0
    assert grown < 40_000_000
    # A second is the mark of the bench; tests share their machine with others.
    assert sorted(late)[len(late) * 95 // 100 - 1] < 5_000
