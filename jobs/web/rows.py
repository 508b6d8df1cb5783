"""Jobs as the rows of a table: what templates/jobs/job_table.html shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext as _

from jobs.models import Job, JobState
from jobs.queueing.control import WAITING
from jobs.queueing.gates import Blocker

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

VALUE_CHARACTERS: Final = 80
WHY_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, what it was given, the host that it runs or ran on or asks for, and why it is in its state.

    may_move  whether who looks may give it another place in its queue
    """

    job: Job
    what: str
    host: str
    why: StrOrPromise
    until: datetime | None
    may_move: bool = False


def values_of(job: Job) -> list[tuple[str, str]]:
    """Names and values of a job's parameters, as lists show them."""
    root = f"{settings.BATCHYARD_FILE_ROOTS[0]}/"
    return [(name, str(value).removeprefix(root)) for name, value in job.params.items()]


def row_of(job: Job, *, blockers: Sequence[Blocker] | None = None) -> JobRow:
    """With the blockers of a job that waits, if they are known; otherwise with what its row says."""
    what = " ".join(cut(value, VALUE_CHARACTERS) for _name, value in values_of(job))
    asked = job.host.name if job.host else ""
    ran_on: str | None = getattr(job, "ran_on", None)
    if blockers is None:
        why = "" if job.state == JobState.SUCCEEDED else cut(job.reason, WHY_CHARACTERS)
        return JobRow(job, what, ran_on or asked, why, None)
    if not blockers:
        return JobRow(job, what, asked, _("It starts with the dispatcher's next look."), None)
    return JobRow(job, what, asked, cut(blockers[0].message, WHY_CHARACTERS), blockers[0].until)


def cut(text: str, characters: int) -> str:
    """At most so many characters of `text`, with a sign where it goes on."""
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def rows_of(jobs: Iterable[Job], *, why: Mapping[int, Sequence[Blocker]] | None = None) -> list[JobRow]:
    """`why`: the blockers of those that wait, by id."""
    known = why or {}
    return [row_of(job, blockers=known.get(job.pk) if job.state in WAITING else None) for job in jobs]
