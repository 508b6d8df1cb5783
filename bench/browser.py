"""A page in a real browser, which notes when each line appears on it."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Error, Page, sync_playwright

LINE_SECONDS: Final = 5.0
# Each line is the time at which it was printed, in nanoseconds. Lines that are there already do not count.
NOTE: Final = """({ lines, milliseconds }) => new Promise((done, failed) => {
    const box = document.getElementById("output-box");
    const late = [];
    let seen = null;
    const look = () => {
        const texts = [...box.querySelectorAll(".line")].map((line) => line.textContent);
        const whole = texts.filter((text) => /^\\d{19}\\n$/.test(text));
        const fresh = whole.slice(seen ?? whole.length).map((text) => Number(BigInt(text.trim()) / 1000000n));
        late.push(...fresh.map((printed) => Date.now() - printed));
        seen = whole.length;
        if (late.length >= lines) done(late.slice(0, lines));
    };
    look();
    new MutationObserver(look).observe(box, { childList: true, subtree: true });
    setTimeout(() => failed(new Error(`${late.length} of ${lines} lines in time`)), milliseconds);
})"""


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
    found: list[float] = page.evaluate(NOTE, {"lines": lines, "milliseconds": lines * LINE_SECONDS * 1000})
    return found
