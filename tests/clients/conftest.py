from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.parts import Yard
from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest


@pytest.fixture(scope="package")
def yard_site() -> Iterator[SiteUnderTest]:
    """One site for all that yard does it no harm with."""
    with running_site() as site:
        yield site


@pytest.fixture
def stranger(tmp_path: Path) -> Yard:
    """Somebody who knows no site."""
    return Yard(tmp_path)


@pytest.fixture
def yard(tmp_path: Path, yard_site: SiteUnderTest) -> Yard:
    """Somebody who may do everything at the site."""
    return Yard(tmp_path, f"http://127.0.0.1:{yard_site.port}", yard_site.token)
