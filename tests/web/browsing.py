"""A real browser for tests of pages: what went wrong in it fails the test."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page

from tests.scenarios.site import SiteUnderTest
from tests.web.pages import PASSWORD


def opened(browser: Browser, site: SiteUnderTest, faults: list[str], **options: object) -> BrowserContext:
    """`faults` gets errors of scripts, and whatever the content security policy forbade."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{site.port}", **options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.on("weberror", lambda wrong: faults.append(str(wrong.error)))
    context.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    return context


def signed_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/queues/")
    return page
