"""docs/states.md is written by a command from the table that the code uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from jobs.management.commands.document_states import PAGE, following, page
from jobs.models import JobState


@pytest.fixture
def root(tmp_path: Path, settings: LazySettings) -> Path:
    """An empty project."""
    settings.BASE_DIR = tmp_path
    (tmp_path / PAGE).parent.mkdir()
    return tmp_path


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("document_states", check=True)

    assert capsys.readouterr().out == ""


def test_a_page_that_was_written_passes_the_check(root: Path) -> None:
    call_command("document_states", verbosity=0)

    call_command("document_states", check=True)

    assert (root / PAGE).read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("content", [pytest.param(None, id="absent"), pytest.param("# Old\n", id="stale")])
def test_a_page_that_says_something_else_is_refused_and_left(root: Path, content: str | None) -> None:
    if content is not None:
        (root / PAGE).write_text(content, encoding="utf-8")

    with pytest.raises(CommandError, match=r"docs/states\.md is not what the code does"):
        call_command("document_states", check=True)

    assert (root / PAGE).exists() == (content is not None)


@pytest.mark.parametrize("state", [state for state in JobState if not state.is_final])
def test_the_diagram_has_every_way_of_a_job_that_has_not_ended(state: JobState) -> None:
    assert all(f"    {state} --> {to}\n" in page() for to in following(state))
