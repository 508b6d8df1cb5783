"""What must hold on every page, in a real browser: for people who see badly, have no mouse, or a slow line."""

from __future__ import annotations

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.scenarios.site import SiteUnderTest
from tests.web.browsing import opened, signed_in
from tests.web.pages import Addresses

FIRST_LOAD_BYTES: Final = 150_000
GRAVE: Final = frozenset({"serious", "critical"})
# A look at everything; and at what is another in other colours, where the rest has been looked at.
ALL_RULES: Final = {"resultTypes": ["violations"]}
OF_COLOURS: Final = {**ALL_RULES, "runOnly": ["color-contrast", "link-in-text-block"]}
# What has the focus: where it is, and whether anything shows it.
FOCUSED: Final = """() => {
    const on = document.activeElement;
    const style = getComputedStyle(on);
    const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const tabs = (window.tabs ??= new Map());
    if (!tabs.has(on)) tabs.set(on, tabs.size);
    return { number: tabs.get(on), name: `${on.tagName}#${on.id}`, isBody: on === document.body, isSeen };
}"""
# Whatever a mouse could press.
PRESSABLE: Final = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, pre")]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden")
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .filter((one) => !window.tabs?.has(one))
    .map((one) => `${one.tagName}#${one.id} ${one.textContent.trim().slice(0, 30)}`)"""
TABS_LIMIT: Final = 300

# Generous, because tests share their machine; what must be fast is measured by the bench.
expect.set_options(timeout=20_000)
pytestmark = pytest.mark.scenario


def grave_findings(page: Page, axe: Axe, rules: dict[str, list[str]]) -> list[str]:
    found: Any = axe.run(page, options=rules).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def in_both_colours(page: Page, axe: Axe, *, begins_dark: bool) -> list[str]:
    """Grave findings on the page as it was loaded, and in its other colours."""
    found = grave_findings(page, axe, ALL_RULES)
    page.emulate_media(color_scheme="light" if begins_dark else "dark")
    found += grave_findings(page, axe, OF_COLOURS)
    page.emulate_media(color_scheme="dark" if begins_dark else "light")
    return found


@pytest.mark.parametrize(
    ("width", "begins_dark"), [pytest.param(1280, False, id="wide"), pytest.param(375, True, id="narrow")]
)
def test_no_page_shuts_anybody_out(
    browser: Browser, lively: SiteUnderTest, addresses: Addresses, width: int, begins_dark: bool
) -> None:
    axe, found = Axe(), dict[str, list[str]]()
    # axe is put into the page by the test, which the page's own policy would forbid.
    context = opened(
        browser, lively, [], viewport={"width": width, "height": 800}, bypass_csp=True, reduced_motion="reduce",
        color_scheme="dark" if begins_dark else "light",
    )  # fmt: skip

    stranger = context.new_page()
    for name, address in addresses.signed_out.items():
        stranger.goto(address)
        found[name] = in_both_colours(stranger, axe, begins_dark=begins_dark)
    page = signed_in(context)
    for name, address in addresses.signed_in.items():
        page.goto(address)
        page.wait_for_timeout(50)
        found[name] = in_both_colours(page, axe, begins_dark=begins_dark)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
    context.close()

    assert {name: told for name, told in found.items() if told} == {}


def test_everything_on_every_page_is_reached_by_keys_and_seen_to_be(tab: Page, addresses: Addresses) -> None:
    wrong: dict[str, Any] = {}
    for name, address in addresses.signed_in.items():
        tab.goto(address)
        hidden = [told for told in tabbed(tab) if not told["isSeen"]]
        missed = tab.evaluate(PRESSABLE)
        if hidden or missed:
            wrong[name] = {"focus not seen": hidden, "not reached": missed}

    assert wrong == {}


def tabbed(page: Page) -> list[dict[str, Any]]:
    """What gets the focus, from the beginning of the page until it leaves it."""
    found: list[dict[str, Any]] = []
    # Some pages begin in their first field.
    while page.evaluate("document.activeElement !== document.body"):
        page.keyboard.press("Shift+Tab")
    for _number in range(TABS_LIMIT):
        page.keyboard.press("Tab")
        told = page.evaluate(FOCUSED)
        if told["isBody"] or (found and told["number"] == 0):
            return found
        found.append(told)
    raise AssertionError(f"the focus never leaves {page.url}")


def test_the_first_key_skips_to_the_content(tab: Page) -> None:
    tab.goto("/jobs/")

    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_in_viewport()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")

    assert tab.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_menu_and_drawer_open_close_and_give_the_focus_back(tab: Page) -> None:
    tab.goto("/components/")
    for opener, inside in (("summary", ".menu-list a"), ("[popovertarget=example]", "#example button")):
        tab.locator(opener).first.focus()
        tab.keyboard.press("Enter")
        expect(tab.locator(inside).first).to_be_visible()
        tab.keyboard.press("Tab")
        assert tab.locator(inside).first.evaluate("one => one === document.activeElement"), inside

        tab.keyboard.press("Escape")

        expect(tab.locator(inside).first).to_be_hidden()
        assert tab.locator(opener).first.evaluate("one => one === document.activeElement"), opener


def test_a_job_is_submitted_and_killed_by_keys_alone(tab: Page) -> None:
    tab.goto("/submit/command/")
    tab.get_by_label("Command").focus()
    tab.keyboard.type("echo by keys; sleep 600")
    tab.get_by_label("Queue").focus()
    tab.keyboard.type("default")
    tab.locator("#send").focus()
    tab.keyboard.press("Space")
    expect(tab.locator("#output-box")).to_contain_text("by keys")

    tab.locator("#ask-kill").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_contain_text("Kill job")
    tab.locator("#confirm").focus()
    tab.keyboard.press("Enter")

    expect(tab.locator("#live .badge").first).to_contain_text("failed")


def test_a_toast_is_told_and_closed_by_a_key(tab: Page) -> None:
    tab.goto("/queues/few/")
    tab.locator("main [id^=switch-]").focus()
    tab.keyboard.press("Enter")
    toast = tab.locator(".toast")
    expect(toast).to_contain_text("disabled")
    assert tab.locator("#toasts").get_attribute("role") == "status"

    toast.locator("button").focus()
    tab.keyboard.press("Enter")

    expect(toast).to_have_count(0)
    assert not tab.evaluate("document.activeElement === document.body")
    tab.locator("main [id^=switch-]").click()


def test_the_first_load_of_every_page_is_small_and_from_nowhere_else(
    lively: SiteUnderTest, addresses: Addresses, tab: Page
) -> None:
    weights, hosts, received = dict[str, int](), set[str](), list[float]()
    session = tab.context.new_cdp_session(tab)
    session.send("Network.enable")
    # As a browser that has kept no file yet.
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    tab.on("request", lambda request: hosts.add(request.url.split("/")[2]))

    for name, address in addresses.signed_in.items():
        received.clear()
        tab.goto(address)
        tab.wait_for_load_state("load")
        weights[name] = int(sum(received))

    assert {name: weight for name, weight in weights.items() if weight > FIRST_LOAD_BYTES} == {}
    assert min(weights.values()) > 10_000
    assert max(weights.values()) < FIRST_LOAD_BYTES // 2
    assert hosts == {f"127.0.0.1:{lively.port}"}
