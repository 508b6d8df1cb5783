from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs.models import JobState
from jobs.queueing.states import NEXT

PAGE: Final = Path("docs/states.md")
MEANINGS: Final[dict[JobState, str]] = {
    JobState.BLOCKED: "A gate of the job's own is shut: it is held, not due yet, or waits for its next attempt.",
    JobState.READY: "Only what it shares with others can stop it: queue, window, limits, seats, place in line.",
    JobState.RUNNING: "An attempt is open. The attempt's phase says how far it is.",
    JobState.SUCCEEDED: "The last attempt ended with exit code 0 and its files are back.",
    JobState.FAILED: "The last attempt failed and no further one is due.",
    JobState.CANCELLED: "Somebody ended it, while it waited or while it ran.",
    JobState.SKIPPED: "It was decided that it need not run.",
}
INTRODUCTION: Final = """\
<!-- Written by `manage.py document_states` from `jobs.queueing.states.NEXT`. Do not edit. -->
# States of a job

A job is in one of these states and no other. Why it is there stands beside the state as a sentence, in `reason`;
what else keeps a waiting job back, `explain` tells ([why is my job not running?](troubleshooting.md)).
"""


class Command(BaseCommand):
    help = "Writes docs/states.md from the table of transitions that the code uses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not up to date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        path = settings.BASE_DIR / PAGE
        if not check:
            path.write_text(page(), encoding="utf-8")
            self.stdout.write(f"Wrote {PAGE}.")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page():
            raise CommandError(f"{PAGE} is not what the code does. Write it anew: manage.py document_states")


def page() -> str:
    """The page as Markdown, with a diagram in Mermaid."""
    sections = "\n".join(section(state) for state in JobState)
    return f"{INTRODUCTION}\n{diagram()}\n{sections}"


def diagram() -> str:
    """Every transition, except the ways back from a final state: those are one and the same command."""
    lines = ["```mermaid", "stateDiagram-v2", *(f"    [*] --> {state}" for state in (JobState.BLOCKED, JobState.READY))]
    for state in JobState:
        if state.is_final:
            lines.append(f"    {state} --> [*]")
        else:
            lines += [f"    {state} --> {to}" for to in following(state)]
    return "\n".join([*lines, "```", ""])


def section(state: JobState) -> str:
    kind = "Final: it changes only by a recorded command, such as a retry." if state.is_final else "Not final."
    listed = ", ".join(f"`{to}`" for to in following(state))
    return f"## {state}\n\n{MEANINGS[state]} {kind} Next: {listed}.\n"


def following(state: JobState) -> Iterator[JobState]:
    """The states that `state` leads to, always in the same order."""
    return (to for to in JobState if to in NEXT[state])
