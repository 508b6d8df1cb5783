"""Why a job waits: the dispatcher's own plan, made for one job and not carried out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from jobs.dispatch import clocks, facts, plan
from jobs.models import Job, JobState, Site
from jobs.queueing.facts import Facts, JobFacts
from jobs.queueing.gates import Blocker, job_blockers, lane_blockers, site_blockers
from jobs.queueing.waking import facts_of


def explain(job: Job, *, at: datetime) -> list[Blocker]:
    """Everything that keeps a waiting job from starting at `at`.

    Empty if and only if the dispatcher, on the same rows, would start it now. A job that runs or
    has ended has no blockers either: ask its state first.
    """
    if job.state not in {JobState.BLOCKED, JobState.READY}:
        return []
    mine = facts_of(job)
    snapshot = _snapshot(job)
    blockers = [*site_blockers(snapshot, at), *job_blockers(mine, at), *lane_blockers(snapshot.lanes[job.lane_id], at)]
    return blockers or _in_line(mine, snapshot, at)


def reasons(jobs: Sequence[Job], *, at: datetime) -> dict[int, list[Blocker]]:
    """For each of these waiting jobs what keeps it from starting; none: it starts with the dispatcher's next look.

    The same as `explain`, without places in line: the facts are loaded once, however many jobs.
    """
    snapshot = facts.load(is_paused=Site.get().is_paused)
    snapshot.clock_off = clocks.nearest_engine()
    shared = {id_: [*site_blockers(snapshot, at), *lane_blockers(lane, at)] for id_, lane in snapshot.lanes.items()}
    starts = plan.make(snapshot, facts.heads(plan.open_lanes(snapshot, at)), at=at).starts
    first = {start.job.id for start in starts}
    found: dict[int, list[Blocker]] = {}
    for job in jobs:
        blockers = [*job_blockers(facts_of(job), at), *shared.get(job.lane_id, [])]
        is_in_line = not blockers and job.state == JobState.READY and job.pk not in first
        found[job.pk] = [Blocker("in_line", "All that is free goes to jobs before it.")] if is_in_line else blockers
    return found


def _snapshot(job: Job) -> Facts:
    """The facts of every lane that has a ready job, and of the job's own."""
    snapshot = facts.load(is_paused=Site.get().is_paused, also=job.lane_id)
    snapshot.clock_off = clocks.nearest_engine()
    return snapshot


def _in_line(job: JobFacts, snapshot: Facts, at: datetime) -> list[Blocker]:
    """Whether the job's turn has come: the merge that the dispatcher makes, with this job in it."""
    ahead = _ahead(job)
    wanted = plan.open_lanes(snapshot, at)
    heads = facts.heads(wanted)
    if ahead < wanted.get(job.lane, 0) and all(head.id != job.id for head in heads[job.lane]):
        heads[job.lane] = sorted([*heads[job.lane], job], key=lambda head: head.order)
    chosen = plan.make(snapshot, heads, at=at)
    if any(start.job.id == job.id for start in chosen.starts):
        return []
    first = f"{ahead} jobs are" if ahead != 1 else "1 job is"
    line = Blocker("in_line", f"{first} before it in its queue's line, and all that is free goes to jobs before it.")
    return [line, *chosen.stopped.get(job.lane, [])]


def _ahead(job: JobFacts) -> int:
    """How many ready jobs of its lane start before it."""
    earlier = Q(priority__gt=job.priority) | Q(priority=job.priority, position__lt=job.position)
    same = Q(priority=job.priority, position=job.position, id__lt=job.id)
    return Job.objects.filter(earlier | same, lane=job.lane, state=JobState.READY).count()
