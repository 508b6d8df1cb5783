"""Hands runs over to their host: prepare, bring files, start. A batch at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import transaction

from hosts.secrets.ring import SecretsUnusable
from hosts.supervisor.client import BATCH
from hosts.supervisor.orders import Orders
from hosts.supervisor.records import LaunchAnswer, LaunchKind
from hosts.transports.base import HostUnreachable
from hosts.transports.quoting import quoted
from jobs.commands import CommandProblem
from jobs.execution import marks, ownership, succession
from jobs.execution.closing import Closer
from jobs.execution.leftovers import DEATHS_LIMIT, too_deadly
from jobs.execution.post import Post, Staged
from jobs.execution.prepare import Prepared, record_scripts
from jobs.execution.runs import Run
from jobs.models import Attempt, Phase
from jobs.outcomes import Ending
from jobs.problems import Problems
from jobs.queueing.file_roots import resolve
from scheduler_site.durable import durable

logger = logging.getLogger(__name__)

FOLDER_SECONDS = 20.0


class Launcher:
    """Launches over one connection."""

    def __init__(self, post: Post, closer: Closer) -> None:
        self._post = post
        self._closer = closer
        self._recorded: set[str] = set()
        self._waiting: list[Prepared] = []
        self._ordered: list[Prepared] = []

    def launch(self, runs: Sequence[Run]) -> None:
        """Start `runs`; those with files first get them. A run that cannot be prepared is closed with the reason."""
        for run in runs:
            if run.deaths >= DEATHS_LIMIT:
                self._closer.close_early(run, too_deadly())
        prepared = [item for run in runs if run.deaths < DEATHS_LIMIT and (item := self._prepare(run))]
        self._make_folders([folder for item in prepared for folder in item.folders])
        to_stage = [item for item in prepared if item.inputs]
        for item in to_stage:
            item.run.is_busy = True
            self._post.inbox.give(lambda item=item: self._stage(item))  # type: ignore[misc]
        if to_stage:
            marks.phase([item.run for item in to_stage], Phase.STAGING_IN, grip=self._post.grip)
        self._hand_over([item for item in prepared if not item.inputs])

    def staged(self, news: Staged) -> None:
        """Go on with a run whose files have been brought."""
        run = news.prepared.run
        run.is_busy = False
        if news.problem:
            self._closer.close_early(run, Ending("stage_failed", reason=news.problem))
        elif run.is_ending:
            self._closer.close_early(run, Ending("cancelled"))
        else:
            self._hand_over([news.prepared])

    def _prepare(self, run: Run) -> Prepared | None:
        try:
            for plan in self._post.workbench.outputs(run).values():
                if plan.is_here:
                    resolve(plan.ours).parent.mkdir(parents=True, exist_ok=True)
            return self._post.workbench.prepare(run)
        except SecretsUnusable as problem:
            self._closer.close_early(run, Ending("stage_failed", reason=str(problem)))
            return None
        except (CommandProblem, ValueError, OSError) as problem:
            self._closer.close_early(run, Ending("stage_failed", reason=f"The command cannot be made: {problem}"))
            return None

    def _make_folders(self, folders: Sequence[str]) -> None:
        if not folders:
            return
        text = b"(umask 077; mkdir -p -- %s) 2>&1" % b" ".join(quoted(folder) for folder in folders)
        answer = self._post.line.shell.ask(text, timeout_seconds=FOLDER_SECONDS)
        if answer.status:
            raise HostUnreachable(
                f"Directories for files cannot be made: {answer.output.decode(errors='replace')[:300]}"
            )

    def _stage(self, item: Prepared) -> Staged:
        for plan in item.inputs:
            try:
                self._post.line.transport.upload(resolve(plan.ours), remote=plan.theirs)
            except Problems as problem:
                return Staged(item, str(problem))
            except HostUnreachable:
                raise
            except OSError as problem:
                return Staged(item, f"Input file {Path(plan.ours).name} could not be brought: {problem}")
        return Staged(item)

    def _hand_over(self, items: Sequence[Prepared]) -> None:
        if not items:
            return
        # A host whose runs are forgotten would be given the same jobs once more.
        with durable(), transaction.atomic():
            ownership.check(self._post.grip)
            record_scripts(items, known=self._recorded)
        self._recorded |= {item.request.script.digest for item in items}
        for item in items:
            # Until the host has answered: a look at what it is starting at that moment would see half of it.
            item.run.was_handed_over = False
        self._waiting += items
        self._order()

    def _order(self) -> None:
        """Order what waits, unless an order is not answered yet."""
        while self._waiting and not self._ordered:
            self._ordered, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            answers = self._post.line.supervisor.order([item.request for item in self._ordered])
            if answers is not None:
                self._take(answers)

    @property
    def orders(self) -> Orders | None:
        """What is to be waited for, by its descriptor, until `hear` understands the host's answer. None: nothing."""
        return self._post.line.supervisor.orders if self._ordered else None

    def hear(self) -> list[Run]:
        """The runs that the host has answered for meanwhile. Raises TransportBroken if it is silent for too long."""
        answers = self._post.line.supervisor.answers()
        if answers is None:
            return []
        answered = [item.run for item in self._ordered]
        self._take(answers)
        self._order()
        return answered

    def _take(self, answers: Mapping[str, LaunchAnswer]) -> None:
        runs = [item.run for item in self._ordered]
        self._ordered = []
        for run in runs:
            run.was_handed_over = True
            if answers[run.marker].kind == LaunchKind.HELD:
                succession.has_come(run)
        refused = [run for run in runs if answers[run.marker].kind == LaunchKind.FAILED]
        if refused:
            self._take_back(refused, reason=answers[refused[0].marker].reason)

    def _take_back(self, runs: Sequence[Run], *, reason: str) -> None:
        """The host would not take these: they have not been started and go back in line."""
        with transaction.atomic():
            ownership.check(self._post.grip)
            Attempt.objects.filter(pk__in=[run.attempt for run in runs], finished_at=None).update(script=None)
        raise HostUnreachable(f"It takes no runs: {reason}")
