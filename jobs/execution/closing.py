"""Closes runs whose end is known: brings what they left, then writes the end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import transaction

from hosts.supervisor.records import Ended, EndKind
from hosts.transports.base import HostUnreachable
from hosts.transports.quoting import quoted
from jobs.execution import finish, marks, succession
from jobs.execution.clock import now
from jobs.execution.post import Fetched, Post
from jobs.execution.prepare import FilePlan
from jobs.execution.runs import Run
from jobs.models import AttemptRequest, Output, Phase
from jobs.outcomes import Ending, as_asked, exited, lost, signalled, timed_out
from jobs.problems import Problems
from jobs.queueing.file_roots import resolve
from scheduler_site.durable import durable

logger = logging.getLogger(__name__)

# What a kill may take beyond its grace before the answer is "could not be confirmed".
CONFIRM: Final = timedelta(seconds=15)
REMOVE_SECONDS: Final = 60.0


class Closer:
    """Closes over one connection."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def close_ready(self, runs: Iterable[Run]) -> None:
        """Close those of `runs` whose end is known, in one transaction where nothing large is left behind."""
        ready = [run for run in runs if not run.is_busy and self._is_ready(run)]
        with_files = [run for run in ready if self._post.workbench.outputs(run)]
        plain = [run for run in ready if run not in with_files]
        done, large = self._post.collector.small(plain, at=now())
        self._finish([(run, self._ending(run), rows) for run, rows in done])
        for run in (*large, *with_files):
            self._fetch_later(run)

    def close_early(self, run: Run, ending: Ending) -> None:
        """Close a run that never began on the host."""
        self._finish([(run, as_asked(ending, run.request, has_begun=False), [])])

    def close_lost(self, run: Run, why: str) -> None:
        """Close a run of which the host knows no end, with what output there is."""
        run.ended = None
        self._fetch_later(run, as_asked(lost(why), run.request))

    def fetched(self, news: Fetched) -> None:
        news.run.is_busy = False
        self._finish([(news.run, news.ending, news.outputs)])

    def _is_ready(self, run: Run) -> bool:
        if not run.carried or run.carried not in {AttemptRequest.CANCEL, AttemptRequest.KILL}:
            return run.ended is not None
        if run.killed is None:
            return run.ended is not None and run.give_up_at is not None and now() >= run.give_up_at
        return run.ended is not None or not run.killed.is_gone

    def _ending(self, run: Run) -> Ending:
        ending = self._heard(run.ended, run)
        asked = as_asked(ending, run.carried)
        if run.killed is not None and not run.killed.is_gone:
            pids = ", ".join(map(str, run.killed.pids[:20]))
            return Ending(asked.outcome, asked.exit_code, asked.signal, f"{asked.reason} Still alive: {pids}.")
        return asked

    @staticmethod
    def _heard(ended: Ended | None, run: Run) -> Ending:
        if ended is None:
            return lost("Its command left no exit status.")
        if not ended.has_record:
            return lost(f"Its run directory was gone from the host when it ended ({ended.kind} {ended.code}).")
        if ended.kind == EndKind.SIGNALLED:
            return signalled(ended.code)
        if ended.kind == EndKind.TIMED_OUT:
            return timed_out(run.kind.time_limit_seconds)
        if ended.kind == EndKind.REFUSED:
            return Ending("exited", ended.code, reason="The command could not be started; stderr says why.")
        return exited(ended.code)

    def _fetch_later(self, run: Run, ending: Ending | None = None) -> None:
        run.is_busy = True
        told = ending or self._ending(run)
        plans = list(self._post.workbench.outputs(run).values())
        if plans and run.phase != Phase.STAGING_OUT:
            marks.phase([run], Phase.STAGING_OUT, grip=self._post.grip)
        self._post.inbox.give(lambda: self._fetch(run, told, plans))

    def _fetch(self, run: Run, ending: Ending, plans: Sequence[FilePlan]) -> Fetched:
        """In the pool: the rest of the output, the output files, the seal."""
        self._post.collector.drain(run)
        for plan in plans:
            problem = self._download(plan)
            if problem and ending.is_success:
                ending = Ending("stage_failed", exit_code=0, reason=problem)
        return Fetched(run, ending, self._post.collector.seal(run, at=now()))

    def _download(self, plan: FilePlan) -> str:
        """Fetch one file; "" or what is wrong."""
        name = Path(plan.ours).name
        try:
            ours = resolve(plan.ours)
            if plan.is_here:
                ours.stat()
                return ""
            ours.parent.mkdir(parents=True, exist_ok=True)
            self._post.line.transport.download(plan.theirs, local=ours)
        except FileNotFoundError:
            return f"Output file {name} was not written by the command."
        except Problems as problem:
            return str(problem)
        except HostUnreachable:
            raise
        except OSError as problem:
            return f"Output file {name} could not be fetched: {problem}"
        return ""

    def _finish(self, closings: Sequence[tuple[Run, Ending, list[Output]]]) -> None:
        if not closings:
            return
        at = now()
        ended = [run for run, _ending, _rows in closings]
        finals = [
            finish.Final(
                attempt=run.attempt, job=run.job, number=run.number, ending=run.told(ending), started_at=run.started_at,
                finished_at=self._ended_at(run), failures=run.failures, rule=run.rule,
                is_unconfirmed=self._is_unconfirmed(run), outputs=rows,
            )
            for run, ending, rows in closings
        ]  # fmt: skip
        # Where there are secrets, what the host has is the only copy until the end is on the disk.
        kept = durable() if any(run.hidden is not None for run in ended) else nullcontext()
        with kept, transaction.atomic():
            finish.finish_many(finals, grip=self._post.grip, at=at, journal_offset=self._post.offset)
            self._post.on_finished(succession.soon_over(self._post, zip(ended, finals, strict=True), at=at))
        for run, _ending, _rows in closings:
            self._post.runs.pop(run.marker, None)
        self._remove([folder for run, _, _ in closings for folder in self._post.workbench.leftovers(run)])

    def _remove(self, folders: Sequence[str]) -> None:
        if folders:
            text = b"rm -rf -- %s" % b" ".join(quoted(folder) for folder in folders)
            self._post.line.shell.ask(text, timeout_seconds=REMOVE_SECONDS)

    def _ended_at(self, run: Run) -> datetime:
        earliest = run.started_at or run.claimed_at
        if run.ended is None:
            return max(now(), earliest)
        return self._post.line.clock.at(run.ended.uptime_seconds, earliest=earliest, latest=max(now(), earliest))

    @staticmethod
    def _is_unconfirmed(run: Run) -> bool:
        was_to_end = run.carried in {AttemptRequest.CANCEL, AttemptRequest.KILL}
        return was_to_end and (run.killed is None or not run.killed.is_gone)
