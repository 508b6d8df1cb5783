"""The pages in a real browser, of a real site: what a person does, and what may never happen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.parts import program

PASSWORD: Final = "correct horse battery staple"
FIRST_LOAD_BYTES: Final = 150_000
SET_PASSWORD: Final = (
    "from accounts.models import User; u = User.objects.get(username='admin'); "
    f"u.set_password('{PASSWORD}'); u.save(update_fields=['password'])"
)
HIDE: Final = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def site() -> Iterator[SiteUnderTest]:
    """A site that is up; its administrator's password is PASSWORD."""
    program("chromium")
    with running_site() as site:
        site.manage("shell", "-c", SET_PASSWORD)
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What went wrong in the browser: errors of scripts, and whatever the content security policy forbade."""
    found: list[str] = []
    yield found
    assert found == []


def opened(browser: Browser, site: SiteUnderTest, faults: list[str], **options: object) -> BrowserContext:
    context = browser.new_context(base_url=f"http://127.0.0.1:{site.port}", **options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.on("weberror", lambda wrong: faults.append(str(wrong.error)))
    context.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    return context


def signed_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/queues/")
    return page


@pytest.fixture
def page(browser: Browser, site: SiteUnderTest, faults: list[str]) -> Iterator[Page]:
    """A browser in which the administrator is signed in."""
    context = opened(browser, site, faults, viewport={"width": 1280, "height": 800})
    yield signed_in(context)
    context.close()


def lines(page: Page) -> list[str]:
    return page.locator("#output-box code").inner_text().split("\n")


def test_a_person_submits_a_job_and_sees_its_output_appear(page: Page) -> None:
    page.get_by_role("link", name="Submit", exact=True).click()
    page.locator(".choices a", has_text="command").click()
    page.get_by_label("Command").fill("printf '\\033[31mred\\033[0m <b>bold</b>\\n'; sleep 2; echo later")
    page.get_by_label("Queue").select_option("default")
    page.get_by_role("button", name="Submit").click()

    expect(page.locator("h1")).to_contain_text("Job")
    expect(page.locator("#output-box .ansi-fg-1")).to_have_text("red")
    assert "<b>bold</b>" in page.locator("#output-box").inner_text()
    assert page.locator("#output-box b").count() == 0
    expect(page.locator("#output-box")).to_contain_text("later")
    expect(page.locator("#live .badge").first).to_contain_text("succeeded")
    expect(page.locator("#ask-retry")).to_be_visible()


def test_another_job_is_cancelled_and_the_page_follows(page: Page, site: SiteUnderTest) -> None:
    job = site.submit("echo started; sleep 600")
    page.goto(f"/jobs/{job}/")
    expect(page.locator("#output-box")).to_contain_text("started")

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("#live .badge").first).to_contain_text("cancelled")
    expect(page.locator("#attempts-title").locator("xpath=../..")).to_contain_text("cancelled")


def test_a_third_job_says_why_it_waits_and_starts_when_it_may(page: Page, site: SiteUnderTest) -> None:
    site.post("queues", {"name": "shut", "enabled": False})
    job = site.submit("echo at last", queue="shut")
    page.goto(f"/jobs/{job}/")
    expect(page.locator(".why")).to_contain_text('Queue "shut" is disabled.')

    page.goto("/queues/shut/")
    expect(page.locator("tr", has_text="at last")).to_contain_text('Queue "shut" is disabled.')
    page.get_by_role("button", name="Enable").click()

    page.goto(f"/jobs/{job}/")
    expect(page.locator("#output-box")).to_contain_text("at last")


def test_a_page_that_was_away_goes_on_without_gap_or_repetition(page: Page, site: SiteUnderTest) -> None:
    job = site.submit("for n in $(seq 60); do echo line $n; sleep 0.1; done")
    page.goto(f"/jobs/{job}/")
    expect(page.locator("#output-box")).to_contain_text("line 5")

    page.evaluate(HIDE, True)
    until(lambda: b"line 30\n" in site.output(job), seconds=20, what="the job goes on writing")
    assert "line 30" not in lines(page)
    page.evaluate(HIDE, False)

    expect(page.locator("#output-box")).to_contain_text("line 60")
    assert [line for line in lines(page) if line] == [f"line {number}" for number in range(1, 61)]


def test_a_page_whose_connection_is_cut_goes_on_without_gap_or_repetition(page: Page, site: SiteUnderTest) -> None:
    job = site.submit("for n in $(seq 100); do echo line $n; sleep 0.1; done")
    page.goto(f"/jobs/{job}/")
    expect(page.locator("#output-box")).to_contain_text("line 5")

    web = [process for process in site.processes() if "scheduler_site.web" in process.cmdline()]
    site.kill(matching=r"scheduler_site\.web")

    expect(page.locator("#output-box")).to_contain_text("line 100", timeout=40_000)
    assert web
    assert not any(process.is_running() for process in web)
    assert [line for line in lines(page) if line] == [f"line {number}" for number in range(1, 101)]
    expect(page.locator("#live .badge").first).to_contain_text("succeeded")


def test_a_list_shows_new_jobs_by_itself(page: Page, site: SiteUnderTest) -> None:
    page.goto("/jobs/")

    job = site.submit("true")

    expect(page.locator(f"#job-{job}")).to_be_visible()
    expect(page.locator("tr", has=page.locator(f"#job-{job}"))).to_contain_text("succeeded")


def test_what_is_wrong_with_a_form_is_told_beside_the_field(page: Page) -> None:
    page.goto("/submit/command/")
    page.get_by_label("Command").fill("")
    page.get_by_role("button", name="Submit").click()

    expect(page.locator(".field", has=page.get_by_label("Command")).locator(".error")).to_be_visible()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_every_screen_in_both_themes(
    browser: Browser, site: SiteUnderTest, faults: list[str], width: int, scheme: str
) -> None:
    job = site.submit("echo " + "a-long-word-" * 40)
    site.finished([job], seconds=30)
    context = opened(browser, site, faults, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = signed_in(context)

    for address in ("/queues/", "/queues/default/", "/jobs/", f"/jobs/{job}/", "/submit/", "/submit/command/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        numbers = [int(number) for number in re.findall(r"\d+", ground)[:3]]
        assert (sum(numbers) > 382) == (scheme == "light"), ground
    context.close()


def test_pages_can_be_read_and_used_without_scripts(browser: Browser, site: SiteUnderTest, faults: list[str]) -> None:
    context = opened(browser, site, faults, java_script_enabled=False)
    page = signed_in(context)
    page.goto("/submit/command/")
    page.get_by_label("Command").fill("echo without scripts")
    page.get_by_label("Queue").select_option("default")
    page.get_by_role("button", name="Submit").click()
    job = int(page.url.rstrip("/").split("/")[-1])
    site.finished([job], seconds=30)

    page.reload()

    assert "without scripts" in page.locator("#output-box code").inner_text()
    assert "succeeded" in page.locator("#live").inner_text()
    context.close()


def test_the_first_load_is_small_and_from_nowhere_else(
    browser: Browser, site: SiteUnderTest, faults: list[str]
) -> None:
    job = site.submit("true")
    context = opened(browser, site, faults)
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page = signed_in(context)
    page.goto(f"/jobs/{job}/")

    sizes = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map((entry) => entry.encodedBodySize)"
    )
    assert sum(sizes) <= FIRST_LOAD_BYTES
    assert hosts == {f"127.0.0.1:{site.port}"}
    context.close()
