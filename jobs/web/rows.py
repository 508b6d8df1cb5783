"""Jobs as the rows of a table: what templates/jobs/job_table.html shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.queueing.control import WAITING
from jobs.queueing.file_roots import roots
from jobs.queueing.gates import Blocker

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NONE: Final[Sequence[Blocker]] = ()


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, the host that it runs or ran on or asks for, and why it is in its state, in a line."""

    job: Job
    host: str
    why: StrOrPromise
    until: datetime | None

    @property
    def values(self) -> list[tuple[str, str]]:
        """Names and values of its parameters; files by their paths beneath the first file root."""
        return values_of(self.job)


def values_of(job: Job) -> list[tuple[str, str]]:
    """Names and values of a job's parameters, as lists show them."""
    root = f"{roots()[0]}/"
    return [(name, str(value).removeprefix(root)) for name, value in job.params.items()]


def row_of(job: Job, *, blockers: Sequence[Blocker] | None = None) -> JobRow:
    """With the blockers of a job that waits, if they are known; otherwise with what its row says."""
    asked = job.host.name if job.host else ""
    ran_on: str | None = getattr(job, "ran_on", None)
    if blockers is None:
        return JobRow(job, ran_on or asked, "" if job.state == "succeeded" else job.reason, None)
    if not blockers:
        return JobRow(job, asked, _("It starts with the dispatcher's next look."), None)
    return JobRow(job, asked, blockers[0].message, blockers[0].until)


def rows_of(jobs: Iterable[Job], *, why: Mapping[int, Sequence[Blocker]] | None = None) -> list[JobRow]:
    """`why`: the blockers of those that wait, by id."""
    known = why or {}
    return [row_of(job, blockers=known.get(job.pk) if job.state in WAITING else None) for job in jobs]
