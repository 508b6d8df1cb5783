"""batchd's words for the states of jobs, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from jobs.models import Attempt, Job, JobState, Phase

STARTING: Final = frozenset({Phase.STARTING_HOST, Phase.STAGING_IN, Phase.NEXT_ON_HOST})
ENDED: Final[Mapping[str, str]] = {
    JobState.SUCCEEDED: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Failed",
    JobState.SKIPPED: "Failed",
}
STATUSES: Final = ("New", "Waiting", "Processing", "Done", "Failed", "Postponed")
# What an address may ask for.
LISTS: Final = ("new", "waiting", "processing", "done", "failed", "postponed", "all")
LIST_LIMIT: Final = 10_000
_is_starting: Final = Exists(Attempt.objects.filter(job=OuterRef("pk"), finished_at=None, phase__in=sorted(STARTING)))
# The parts of which each list is made, so that an index leads to each.
PARTS: Final[Mapping[str, tuple[Q, ...]]] = {
    "new": (Q(state=JobState.READY, finished_at=None), Q(state=JobState.BLOCKED, finished_at=None, is_held=False)),
    "postponed": (Q(state=JobState.BLOCKED, finished_at=None, is_held=True),),
    "waiting": (Q(_is_starting, state=JobState.RUNNING),),
    "processing": (Q(~_is_starting, state=JobState.RUNNING),),
    "done": (Q(state=JobState.SUCCEEDED),),
    "failed": (Q(state=JobState.FAILED), Q(state=JobState.CANCELLED), Q(state=JobState.SKIPPED)),
    "all": (Q(),),
}
IN_LINE: Final = ("-priority", "position", "id")


def status_of(job: Job) -> str:
    """The status of a job whose attempts have been fetched."""
    state = JobState(job.state)
    if state.is_final:
        return ENDED[state]
    if state != JobState.RUNNING:
        return "Postponed" if state == JobState.BLOCKED and job.is_held else "New"
    phases = [attempt.phase for attempt in job.attempts.all() if attempt.finished_at is None]
    return "Waiting" if STARTING & set(phases) else "Processing"


def listed(rows: QuerySet[Job], word: str) -> list[Job]:
    """Those of `rows` in that status, in the order of their line.

    At most LIST_LIMIT: of those that wait, the first; of all others, the newest.
    """
    order = IN_LINE if word in {"new", "postponed"} else ("-id",)
    found = {job.pk: job for part in PARTS[word] for job in rows.filter(part).order_by(*order)[:LIST_LIMIT]}
    kept = list(found.values())
    if word not in {"new", "postponed"}:
        kept = sorted(kept, key=lambda job: -job.pk)[:LIST_LIMIT]
    return sorted(kept, key=lambda job: (-job.priority, job.position, job.pk))[:LIST_LIMIT]


def jobs_by_status(rows: QuerySet[Job], by_state: Mapping[tuple[int, str], int]) -> dict[int, dict[str, int]]:
    """How many jobs each queue has in each status, lower case, statuses without a job left out.

    `by_state` counts all of `rows` by queue and state; only what it cannot tell apart is counted here.
    """
    counts: dict[int, dict[str, int]] = {}

    def add(queue: int, word: str, count: int) -> None:
        of_queue = counts.setdefault(queue, {})
        of_queue[word] = of_queue.get(word, 0) + count

    for (queue, state), count in by_state.items():
        word = "new" if state in (JobState.READY, JobState.BLOCKED) else ENDED.get(state, "Processing").lower()
        add(queue, word, count)
    for was, word in (("new", "postponed"), ("processing", "waiting")):
        apart = rows.filter(*PARTS[word]).order_by().values_list("queue").annotate(count=Count("pk"))
        for queue, count in apart:
            add(queue, was, -count)
            add(queue, word, count)
    return {queue: {word: n for word, n in sorted(told.items()) if n > 0} for queue, told in counts.items()}
