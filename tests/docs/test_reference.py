"""The reference pages name everything that the code has, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator

from jobs.models import JobState
from scheduler_site.settings import env
from tests.docs.pages import ROOT, headings, section, text_of

OURS = frozenset({"accounts", "hosts", "jobs", "scheduler_site"})
METHODS = frozenset({"get", "post", "patch", "put", "delete"})


@cache
def routes() -> dict[str, set[str]]:
    """Every address of the API and the methods it takes."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    paths: dict[str, dict[str, Any]] = schema["paths"]
    return {path: set(said) & METHODS for path, said in paths.items() if path.startswith("/api/v1/")}


def settings_read() -> set[str]:
    """The variables that the site reads; the twin that names a file belongs to its setting."""
    return {name for name in env.known if name.removesuffix("_FILE") not in env.known - {name}}


def commands() -> set[str]:
    return {name for name, app in get_commands().items() if app in OURS}


def test_every_setting_has_its_heading() -> None:
    told = {heading for heading in headings("docs/reference/settings.md") if heading.isupper()}

    assert told == settings_read()


def test_every_secret_tells_of_its_file() -> None:
    twins = {name for name in env.known if name.endswith("_FILE")}

    for twin in twins:
        assert f"`{twin}`" in section("docs/reference/settings.md", twin.removesuffix("_FILE"))


def test_every_management_command_has_its_heading() -> None:
    told = {heading for heading in headings("docs/reference/commands.md") if re.fullmatch("[a-z_]+", heading)}

    assert told == commands()


def test_every_route_has_its_heading() -> None:
    told = {heading for heading in headings("docs/reference/api.md") if heading.startswith("/api/v1/")}

    assert told == set(routes())


def test_every_route_tells_its_methods() -> None:
    for path, methods in routes().items():
        said = set(re.findall(r"\*\*([A-Z]+)\*\*", section("docs/reference/api.md", path)))
        assert {method.upper() for method in methods} == said, path


@pytest.mark.parametrize("state", JobState.values)
def test_every_state_has_its_heading(state: str) -> None:
    assert state in headings("docs/states.md")


def test_every_error_code_that_is_told_exists() -> None:
    told = re.findall(r"^\| `([a-z_]+)`", text_of("docs/reference/errors.md"), flags=re.MULTILINE)
    sources = [path.read_text(encoding="utf-8") for app in sorted(OURS) for path in (ROOT / app).rglob("*.py")]

    assert len(told) > 20
    assert [code for code in told if not any(f'"{code}"' in source for source in sources)] == []
