"""What a site has before its first start: made once by each process of the tests, and copied for its sites.

That a site starts from nothing is what tests/site/test_serve.py shows.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from tests.scenarios.site import SiteUnderTest

BEGIN: Final = (
    "from django.core.management import call_command as call; "
    "call('migrate', verbosity=0); call('first_start'); call('create_token', 'admin')"
)


@cache
def _first() -> SiteUnderTest:
    """A site that has its tables, its first rows and a token, and never ran."""
    directory = Path(tempfile.mkdtemp(prefix="by-first-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    site = SiteUnderTest(directory)
    site.token = _made(site)
    return site


def begin(site: SiteUnderTest) -> None:
    """Give a site that has not run yet its tables, its first rows and a token."""
    if "DATABASE_URL" in site.environment:
        site.token = _made(site)
        return
    shutil.copytree(_first().directory / "var", site.directory / "var")
    site.token = _first().token


def _made(site: SiteUnderTest) -> str:
    """Make them by one process, which is most of what it takes. The token."""
    return site.manage("shell", "-c", BEGIN).split()[-1]
