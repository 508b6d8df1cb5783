"""A page in a real browser, which notes when each line appears on it."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Error, Page, sync_playwright

LINE_SECONDS: Final = 5.0
# Each line is the time at which it was printed, in nanoseconds.
NOTE: Final = """() => {
    window.late = [];
    let seen = 0;
    const look = () => {
        const texts = [...document.querySelectorAll("#output-box .line")].map((line) => line.textContent);
        const whole = texts.filter((text) => /^\\d{19}\\n$/.test(text));
        for (const text of whole.slice(seen)) window.late.push(Date.now() - Number(BigInt(text) / 1000000n));
        seen = whole.length;
    };
    look();
    window.late = [];
    new MutationObserver(look).observe(document.getElementById("output-box"), { childList: true, subtree: true });
}"""


class NoBrowser(Exception):
    """The browser does not start here."""


def lateness_milliseconds(program: str, address: str, *, cookie: str, lines: int) -> list[float]:
    """How long after it was printed each of the next `lines` lines was on the page. Raises NoBrowser."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except Error as problem:
            raise NoBrowser(f"{program} does not start: {problem.message[:200]}") from problem
        page = browser.new_page()
        try:
            name, _, value = cookie.partition("=")
            page.context.add_cookies([{"name": name, "value": value, "url": address.partition("/jobs/")[0]}])
            page.goto(address)
            return watched(page, lines=lines)
        finally:
            browser.close()


def watched(page: Page, *, lines: int) -> list[float]:
    """The same on a page that shows a job already, each line of whose output is the time in nanoseconds."""
    page.locator("#output-box .line").first.wait_for()
    page.evaluate(NOTE)
    page.wait_for_function(f"window.late.length >= {lines}", timeout=lines * LINE_SECONDS * 1000)
    found: Any = page.evaluate("window.late")
    return [float(late) for late in found[:lines]]
