"""Every page of the administration in a real browser, under the policy that all pages of the site have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from accounts.models import User
from jobs.models import Job, Queue, Schedule
from tests.admin.pages import url
from tests.admin.rows import fill
from tests.builders import make_queue
from tests.servers.parts import program
from tests.servers.web import served

TOO_WIDE: Final = "document.documentElement.scrollWidth - innerWidth"
GROUND: Final = "getComputedStyle(document.body).backgroundColor"

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    # Whitenoise reads files without waiting, which is fine for the small ones here.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]


@pytest.fixture
def entered(transactional_db: None) -> Client:
    """A superuser, and rows of everything."""
    fill()
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def addresses(entered: Client) -> list[str]:
    """Every list, and every page of one row of each model, that a superuser may open."""
    request = entered.get("/admin/").wsgi_request
    return ["/admin/", *(address for model in admin.site._registry for address in pages_of(model, request))]


def pages_of(model: type[Model], request: HttpRequest) -> Iterator[str]:
    pages, row = admin.site._registry[model], model._default_manager.first()
    assert row is not None, model
    yield url(model, "changelist")
    yield url(model, "change", row.pk)
    yield url(model, "history", row.pk)
    if pages.has_add_permission(request):
        yield url(model, "add")
    if pages.has_delete_permission(request, row):
        yield url(model, "delete", row.pk)


@pytest.fixture
def context(entered: Client) -> Iterator[BrowserContext]:
    """A browser in which a superuser is signed in."""
    cookie = entered.cookies[settings.SESSION_COOKIE_NAME].value
    with served() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        context = browser.new_context(base_url=f"http://127.0.0.1:{port}", viewport={"width": 1280, "height": 800})
        context.set_default_timeout(15_000)
        address = f"http://127.0.0.1:{port}"
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
        yield context
        browser.close()


@pytest.fixture
def faults(context: BrowserContext) -> Iterator[list[str]]:
    """Whatever the browser complains of: errors of scripts, what the policy forbade, what is missing."""
    found: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.append(f"{message.location.get('url')}: {message.text}")

    context.on("weberror", lambda wrong: found.append(str(wrong.error)))
    context.on("console", said)
    yield found
    assert found == []


def is_dark(page: Page) -> bool:
    numbers = [int(number) for number in re.findall(r"\d+", page.evaluate(GROUND))[:3]]
    return sum(numbers) < 200


def test_every_page_opens_without_complaint_and_fits_in_both_themes(
    addresses: list[str], context: BrowserContext, faults: list[str]
) -> None:
    page = context.new_page()
    wrong: list[str] = []
    looks = [("light", 1280), ("dark", 375)]

    for address in addresses:
        answer = page.goto(address)
        if answer is None or answer.status != 200:
            wrong.append(f"{address} does not open")
        for scheme, width in looks:
            put_on(page, scheme, width)
            if page.evaluate(TOO_WIDE) > 0:
                wrong.append(f"{address} is too wide at {width}")
            if is_dark(page) != (scheme == "dark"):
                wrong.append(f"{address} is not {scheme}")
        # The next page begins as this one is now.
        looks.reverse()

    assert len(addresses) > 60
    assert wrong == []


def put_on(page: Page, scheme: str, width: int) -> None:
    """Let the page have this look, as its own scripts see to it."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.locator(f"html.{scheme}").wait_for(state="attached")


def test_the_parts_that_need_scripts_work(context: BrowserContext, faults: list[str]) -> None:
    page = context.new_page()
    page.goto(url(Job, "changelist"))

    page.locator("a", has_text="Filters").click()
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.locator("#changelist-filter-close").click()
    expect(page.locator("#changelist-filter")).to_be_hidden()
    page.locator("tr", has_text="ready").locator("input.action-select").check()
    page.locator("select[name=action]").select_option("hold")
    page.locator("#changelist-actions button").click()
    expect(page.locator("#main")).to_contain_text("1 job: done.")

    page.goto(url(Schedule, "add"))
    page.get_by_text("Add another Window").click()
    expect(page.locator("[name=windows-0-begin]")).to_be_visible()


def test_the_theme_is_that_of_the_other_pages(context: BrowserContext, faults: list[str]) -> None:
    page = context.new_page()
    page.goto("/admin/")

    page.get_by_text("unfold_more").last.click()
    page.get_by_text("dark_mode").click()

    assert is_dark(page)
    page.goto("/queues/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_two_people_who_change_one_row_are_told(context: BrowserContext, faults: list[str]) -> None:
    mine, theirs = context.new_page(), context.new_page()
    mine.goto("/admin/jobs/queue/")
    mine.locator("#result_list tbody th a").first.click()
    theirs.goto(mine.url)
    theirs.locator("[name=title]").fill("theirs")
    theirs.locator("[name=_continue]").click()
    expect(theirs.locator("#main")).to_contain_text("was changed successfully")

    mine.locator("[name=max_running]").fill("3")
    mine.locator("[name=_save]").click()

    expect(mine.locator("#main")).to_contain_text("Somebody else changed this meanwhile: Title.")
    expect(mine.locator("[name=max_running]")).to_have_value("3")


@pytest.mark.django_db(transaction=False)
def test_the_policy_is_the_one_of_all_pages(page: Client) -> None:
    make_queue()

    of_admin = page.get(url(Queue, "changelist")).headers["Content-Security-Policy"]
    of_pages = page.get("/queues/").headers["Content-Security-Policy"]

    def directives(policy: str) -> set[str]:
        return {re.sub(r" 'nonce-[^']+'", "", directive).strip() for directive in policy.split(";")}

    assert directives(of_admin) == directives(of_pages)
    assert "unsafe" not in of_admin
