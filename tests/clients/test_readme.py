"""Somebody who has only the text of the page: installs, logs in, submits, watches, fetches the result."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.parts import ROOT, Yard
from tests.clients.test_terminal import on_terminal
from tests.scenarios.conftest import site
from tests.scenarios.site import SiteUnderTest

__all__ = ["site"]

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("yard")]

PAGES = ["clients/yard/README.md", "docs/howto/command-line.md"]
PASSWORD = "first-steps-7"


@dataclass
class Reader(Yard):
    """Somebody who types lines of a page into a shell, and knows nothing of the checkout but its clients."""

    def env(self) -> dict[str, str]:
        told = {name: value for name, value in super().env().items() if name != "PYTHONPATH"}
        path = os.pathsep.join([f"{self.home}/yard/bin", str(Path(sys.executable).parent), told["PATH"]])
        return {**told, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def command(self, *words: str) -> list[str]:
        return ["sh", "-c", *words]

    def types(self, line: str) -> str:
        """What is on the screen when the line has been carried out, which must work."""
        status, screen = on_terminal(self, line, typed=[("Password of admin", f"{PASSWORD}\n".encode())])
        assert status == 0, f"{line}: {screen}"
        return screen


def first_lines(page: str) -> list[str]:
    """The first block of a page, without its comments."""
    block = re.search(r"(?:^    .+\n)+", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert block is not None
    return [line.strip().partition("  #")[0] for line in block[0].splitlines()]


def test_the_pages_begin_alike() -> None:
    first, second = (first_lines(page) for page in PAGES)

    assert first == second


@pytest.mark.meets("BD-54")
def test_the_readme_leads_to_a_result_in_under_a_minute_where_no_django_is(tmp_path: Path, site: SiteUnderTest) -> None:
    reader = Reader(tmp_path)
    change = f"from accounts.models import User; u = User.objects.get(username='admin'); u.set_password({PASSWORD!r})"
    site.manage("shell", "-v", "0", "-c", f"{change}; u.save()")
    subprocess.run(["cp", "-r", str(ROOT / "clients"), str(tmp_path)], check=True)
    install, path, *lines = (
        line.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{site.port}") for line in first_lines(PAGES[0])
    )
    login, submit, watch, result = lines

    installed = subprocess.run(
        reader.command(install), env=reader.env(), cwd=tmp_path, capture_output=True, check=False
    )
    if installed.returncode != 0 and "CI" not in os.environ:
        pytest.skip(f"packages cannot be fetched here: {installed.stderr[-200:]!r}")
    assert installed.returncode == 0, installed.stderr
    assert path == "export PATH=~/yard/bin:$PATH"
    begin = time.monotonic()
    assert "You are admin at" in reader.types(login)
    job = re.match(r"Job (\d+) ", reader.types(submit))
    assert job is not None
    assert "succeeded" in reader.types(watch)
    shown = reader.types(result.replace(" 2", f" {job[1]}"))

    assert "1\r\n2\r\n3\r\nLinux " in shown
    assert time.monotonic() - begin < 30
    without = subprocess.run([f"{tmp_path}/yard/bin/python", "-c", "import django"], capture_output=True, check=False)
    assert b"No module named 'django'" in without.stderr
