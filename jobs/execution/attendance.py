"""One connection's worth of looking after the runs of one host.

Everything here happens in one thread, the host's session. What takes long (files, large output) is
done by the pool and comes back through the inbox.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.db.models import Q

from hosts.models import Host
from hosts.supervisor.records import (
    Ended,
    Garbled,
    JournalRecord,
    Killed,
    Started,
    parse_journal,
)
from hosts.transports.base import Follower, TransportBroken
from jobs.execution import marks, runs, succession
from jobs.execution.clock import now
from jobs.execution.closing import CONFIRM, Closer
from jobs.execution.connect import HostChanged, told_about
from jobs.execution.gathering import Heard
from jobs.execution.launching import Launcher
from jobs.execution.leftovers import end_leftovers
from jobs.execution.looking import Looker
from jobs.execution.post import LOOK, Drained, Fetched, News, Post, Staged
from jobs.execution.runs import Run
from jobs.execution.succession import RECALLED
from jobs.models import Attempt, AttemptRequest, Phase
from jobs.outcomes import Ending

logger = logging.getLogger(__name__)

WORK_SECONDS: Final = 1.0
MARK_SECONDS: Final = 0.05
OUTPUT_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 15.0
LOOK_AGAIN_SECONDS: Final = 1.0
CLEAN_SECONDS: Final = 60.0
ROWS_SECONDS: Final = 5.0
KEEP_RUNS: Final = timedelta(minutes=15)
DROP_BATCH: Final = 500
DRAIN_CHUNKS: Final = 8
NOT_BEGUN: Final = (Phase.STARTING_HOST, Phase.STAGING_IN, Phase.NEXT_ON_HOST)


class Attendance:
    """Attends one host over one connection until told to stop or the connection breaks."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._closer = Closer(post)
        self._launcher = Launcher(post, self._closer)
        self._looker = Looker(post, self._closer, self._launcher)
        self._follower: Follower | None = None
        self._rest = b""
        self._due = {work: 0.0 for work, _seconds in self._periods()}
        # Recovery is the first look.
        self._due[self._look_for_lost] = time.monotonic() + LOOK_SECONDS
        self._told = told_about(post.host)
        self._heard = Heard(post)

    def attend(self, is_over: Callable[[], bool]) -> None:
        """Work until `is_over()`. Raises HostUnreachable when the host does not answer, Fenced when it is another's."""
        self._recover()
        self._follow()
        try:
            while not is_over():
                self._step()
            self._close_heard()
        finally:
            if self._follower is not None:
                self._follower.close()

    def _step(self) -> None:
        assert self._follower is not None  # noqa: S101  (attend opens it)
        # Made for each wait, as what is waited for changes: one that costs no descriptor.
        with selectors.PollSelector() as selector:
            selector.register(self._follower, selectors.EVENT_READ)
            selector.register(self._post.inbox, selectors.EVENT_READ)
            if orders := self._launcher.orders:
                selector.register(orders, selectors.EVENT_READ, self._hear_of_launches)
            for key, _events in selector.select(self._nap_seconds()):
                if key.data:
                    key.data()
        if self._post.inbox.hush():
            self._hear_of_work()
        self._hear(self._follower.read())
        for news in self._post.inbox.take():
            self._answer(news)
        for work, seconds in self._periods():
            if time.monotonic() >= self._due[work]:
                # Before it works: it may want to come again sooner.
                self._due[work] = time.monotonic() + seconds
                work()

    def _periods(self) -> tuple[tuple[Callable[[], None], float], ...]:
        return (
            (self._close_heard, WORK_SECONDS),
            (self._find_work, WORK_SECONDS),
            (self._mark_started, WORK_SECONDS),
            (self._check_launches, WORK_SECONDS),
            (self._poll_output, OUTPUT_SECONDS),
            (self._look_for_lost, LOOK_SECONDS),
            (self._clean, CLEAN_SECONDS),
            (self._check_rows, ROWS_SECONDS),
        )

    def _nap_seconds(self) -> float:
        return max(0.0, min(self._due.values()) - time.monotonic())

    def _check_rows(self) -> None:
        """Somebody may have changed how the host is reached, or what its runs are told."""
        host = Host.objects.get(pk=self._post.host.pk)
        self._post.host.seats = host.seats
        if told_about(host) != self._told:
            raise HostChanged(f"Host {self._post.host.name} has been changed; connecting anew.")

    # --- the journal ---

    def _follow(self) -> None:
        line = self._post.line
        self._follower = line.transport.follow(line.supervisor.journal_path, offset=self._post.offset)

    def _hear(self, data: bytes) -> None:
        if not data:
            if self._follower is not None and not self._follower.is_open:
                raise TransportBroken("The journal's channel has closed.")
            return
        records, consumed = parse_journal(self._rest + data)
        self._rest = (self._rest + data)[consumed:]
        self._post.offset += consumed
        self._take(records)

    def _take(self, records: Sequence[JournalRecord]) -> None:
        touched: dict[str, Run] = {}
        for record in records:
            if isinstance(record, Garbled):
                logger.warning("host %s: a line of its journal is damaged: %r", self._post.host.name, record.line[:200])
                continue
            # Of runs that are closed already the journal tells nothing new.
            if run := self._post.runs.get(record.name):
                self._note(run, record)
                touched[run.marker] = run
        if any(self._is_unmarked(run) for run in touched.values()):
            # What ends at once is spared the note that it has begun.
            self._hasten(self._mark_started, MARK_SECONDS)
        if over := [run for run in touched.values() if run.ended or run.killed]:
            self._hasten(self._close_heard, self._heard.add(over, at=now()))

    def _hasten(self, work: Callable[[], None], seconds: float) -> None:
        self._due[work] = min(self._due[work], time.monotonic() + seconds)

    def _close_heard(self) -> None:
        self._closer.close_ready(self._heard.take())

    @staticmethod
    def _is_unmarked(run: Run) -> bool:
        return run.is_running and run.ended is None and run.phase in NOT_BEGUN

    def _mark_started(self) -> None:
        begun = [run for run in self._post.runs.values() if self._is_unmarked(run)]
        if begun:
            marks.started(begun, grip=self._post.grip, journal_offset=self._post.offset)
            for run in begun:
                run.phase = Phase.RUNNING

    def _note(self, run: Run, record: Started | Ended | Killed) -> None:
        run.recall_at = None
        if isinstance(record, Started):
            run.is_running = True
            run.started_at = self._post.line.clock.at(record.uptime_seconds, earliest=run.claimed_at, latest=now())
        elif isinstance(record, Ended):
            run.ended = record
        else:
            run.killed = record

    def _hear_of_launches(self) -> None:
        """A run may be ended and frozen from now on; what was asked meanwhile is done."""
        self._carry_out([run for run in self._launcher.hear() if run.request and run.request != run.carried])

    def _check_launches(self) -> None:
        if (orders := self._launcher.orders) and orders.is_late:
            raise TransportBroken("The host's resident does not answer.")

    # --- work and requests ---

    def _hear_of_work(self) -> None:
        """What others have told of: single attempts are taken up without looking at all the rows."""
        told = set()
        while self._post.told:
            told.add(self._post.told.popleft())
        if LOOK in told:
            self._due[self._find_work] = 0.0
        known = {run.attempt for run in self._post.runs.values()}
        self._take_up(sorted(told - known - {LOOK}))

    def _find_work(self) -> None:
        """New attempts and new requests, from the rows."""
        wanted = Q(phase__in=NOT_BEGUN) | ~Q(request="")
        rows = Attempt.objects.filter(wanted, host_id=self._post.grip.host, finished_at=None)
        unknown = []
        for pk, marker, request in rows.values_list("pk", "marker", "request"):
            if (run := self._post.runs.get(marker)) is None:
                unknown.append(pk)
            else:
                run.request = request
        self._take_up(unknown)
        self._carry_out([run for run in self._post.runs.values() if run.request and run.request != run.carried])
        self._closer.close_ready([run for run in self._post.runs.values() if run.give_up_at])
        self._call_off(succession.overdue(self._post.runs.values()))

    def _take_up(self, attempts: Sequence[int]) -> None:
        found = runs.load(attempts)
        self._post.runs.update({run.marker: run for run in found})
        self._begin([run for run in found if not run.was_handed_over])

    def _begin(self, found: Sequence[Run]) -> None:
        unwanted = [run for run in found if run.is_ending]
        for run in unwanted:
            self._closer.close_early(run, Ending("cancelled"))
        self._launcher.launch([run for run in found if not run.is_ending])

    def _call_off(self, waiting: Sequence[Run]) -> None:
        """Put back in line those that wait on the host and have not begun."""
        waiting = succession.with_followers(waiting, self._post.runs.values())
        for run in succession.call_off(self._post, waiting):
            self._closer.close_early(run, RECALLED)

    def _carry_out(self, asked: Sequence[Run]) -> None:
        if asked:
            # What has ended before it was asked to end has ended by itself.
            self._close_heard()
        self._call_off([run for run in asked if run.recall_at is not None])
        for run in asked:
            if run.marker not in self._post.runs:
                continue
            if not run.was_handed_over:
                continue  # it is on its way; this is asked again once the host has it
            if run.is_ending:
                self._end(run)
            else:
                self._freeze(run)

    def _end(self, run: Run) -> None:
        # What is left of it when its command has ended may take long to end, and nothing is to start beside it.
        self._call_off([other for other in self._post.runs.values() if other.after == run.marker and other.recall_at])
        grace = timedelta(seconds=run.kind.grace_seconds) if run.request == AttemptRequest.CANCEL else None
        self._post.line.supervisor.kill([run.marker], grace=grace)
        run.carried = run.request
        run.give_up_at = now() + (grace or timedelta(0)) + CONFIRM

    def _freeze(self, run: Run) -> None:
        request = AttemptRequest(run.request)
        if request == AttemptRequest.PAUSE:
            # Nothing found: the command has ended, and its end is on the way.
            is_frozen = self._post.line.supervisor.pause([run.marker])[run.marker] > 0
            phase = Phase.PAUSED if is_frozen else Phase.RUNNING
        else:
            self._post.line.supervisor.resume([run.marker])
            phase = Phase.RUNNING
        marks.answered(run, phase=phase, grip=self._post.grip, request=request)

    def _answer(self, news: News) -> None:
        if isinstance(news, Staged):
            self._launcher.staged(news)
        elif isinstance(news, Fetched):
            self._closer.fetched(news)
        else:
            self._drained(news)

    # --- output while it runs ---

    def _poll_output(self) -> None:
        quiet = {
            m: run for m, run in self._post.runs.items() if run.is_running and not run.is_busy and run.ended is None
        }
        if not quiet:
            return
        for marker, size in self._post.line.supervisor.sizes(list(quiet)).items():
            run = quiet[marker]
            if (size.stdout_bytes or 0) > run.stored.stdout or (size.stderr_bytes or 0) > run.stored.stderr:
                self._drain_later(run)

    def _drain_later(self, run: Run) -> None:
        run.is_busy = True
        collector = self._post.collector
        self._post.inbox.give(lambda: Drained(run, collector.drain(run, limit_chunks=DRAIN_CHUNKS)))

    def _drained(self, news: Drained) -> None:
        news.run.is_busy = False
        if news.run.ended is not None or news.run.killed is not None:
            self._closer.close_ready([news.run])
        elif not news.is_all:
            self._drain_later(news.run)

    # --- recovery ---

    def _recover(self) -> None:
        """Take up every open attempt of the host: what the rows say, against what the host says."""
        rows = Attempt.objects.filter(host_id=self._post.grip.host, finished_at=None)
        found = runs.load(list(rows.values_list("pk", flat=True)))
        self._post.runs.update({run.marker: run for run in found})
        # What was to follow another is not waited for: nobody knows whether the host still keeps it.
        self._call_off([run for run in found if run.after is not None and run.started_at is None])
        known = [run for run in self._post.runs.values() if run.was_handed_over]
        self._begin([run for run in self._post.runs.values() if not run.was_handed_over])
        self._compare(known)
        end_leftovers(self._post)

    def _look_for_lost(self) -> None:
        """A rare look at everything that should be running: the journal tells ends, not disappearances."""
        self._compare([run for run in self._post.runs.values() if self._is_out_of_sight(run)])

    @staticmethod
    def _is_out_of_sight(run: Run) -> bool:
        return run.was_handed_over and run.ended is None and not run.is_busy and run.recall_at is None

    def _compare(self, known: Sequence[Run]) -> None:
        if self._looker.compare(known):
            self._hasten(self._look_for_lost, LOOK_AGAIN_SECONDS)

    # --- order on the host ---

    def _clean(self) -> None:
        """Remove what was kept long enough, a little at a time, and keep the journal short."""
        end_leftovers(self._post)
        supervisor = self._post.line.supervisor
        known = self._post.runs
        old = [name for name in supervisor.old(older_than=KEEP_RUNS) if name not in known]
        if old:
            supervisor.drop(old[:DROP_BATCH])
        if (late := supervisor.rotate(consumed_bytes=self._post.offset)) is None:
            return
        if self._follower is not None:
            self._follower.close()
        self._rest = b""
        self._post.offset = 0
        self._take(parse_journal(late)[0])
        self._follow()
