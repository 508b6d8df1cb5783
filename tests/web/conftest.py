from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from accounts.models import User
from tests.builders import grant, make_host, make_queue, make_type
from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest
from tests.servers.parts import program
from tests.web.browsing import opened, signed_in
from tests.web.pages import Addresses, furnish


@pytest.fixture(autouse=True)
def own_directories(settings: LazySettings, tmp_path: Path) -> None:
    """Each test has its own files and output."""
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "files"]
    settings.BATCHYARD_OUTPUT_DIR = settings.BATCHYARD_STORE = tmp_path / "output"
    (tmp_path / "files").mkdir()


@pytest.fixture
def alice(db: None) -> User:
    """May do everything."""
    return User.objects.create_superuser("alice")


@pytest.fixture
def bob(db: None) -> User:
    """May look at queues and jobs, and do nothing."""
    return grant(User.objects.create_user("bob"), "ViewJobs", "ViewQueues", "ViewHosts")


@pytest.fixture
def page(alice: User) -> Client:
    """A browser in which alice is signed in."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def looker(bob: User) -> Client:
    """A browser in which bob is signed in."""
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def site(db: None) -> None:
    """A host with seats, the queue `anytime` and the type `command`."""
    make_host()
    make_queue()
    make_type()


@pytest.fixture(scope="package")
def lively() -> Iterator[SiteUnderTest]:
    """A site of real processes; its administrator's password is PASSWORD."""
    program("chromium")
    with running_site() as site:
        yield site


@pytest.fixture(scope="package")
def addresses(lively: SiteUnderTest) -> Addresses:
    """The addresses of every page of that site, which has something of each kind."""
    return furnish(lively)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed before any test of rows: where a browser is driven, Django refuses to ask its database."""
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


@pytest.fixture(scope="module")
def session_of_admin(browser: Browser, lively: SiteUnderTest, addresses: Addresses) -> StorageState:
    """What a browser keeps in which the administrator has signed in."""
    context = opened(browser, lively, [])
    signed_in(context)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def tab(browser: Browser, lively: SiteUnderTest, session_of_admin: StorageState, faults: list[str]) -> Iterator[Page]:
    """A browser in which the administrator is signed in."""
    context = opened(browser, lively, faults, viewport={"width": 1280, "height": 800}, storage_state=session_of_admin)
    page = context.new_page()
    page.goto("/queues/")
    yield page
    context.close()
