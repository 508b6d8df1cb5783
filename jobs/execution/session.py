"""The thread that keeps one host: connects, attends, and after a break connects again."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from datetime import timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection

from hosts.models import Host, Ownership
from hosts.transports.base import HostUnreachable, HostUnsuitable
from hosts.transports.quoting import quoted
from jobs.execution import contact, leftovers, ownership, runs
from jobs.execution.attendance import Attendance
from jobs.execution.clock import now
from jobs.execution.collect import Collector
from jobs.execution.connect import HostChanged, Line, open_line
from jobs.execution.finish import Final as Closing
from jobs.execution.finish import finish_many
from jobs.execution.inbox import Inbox
from jobs.execution.ownership import Fenced, Grip
from jobs.execution.places import Elsewhere, check_place
from jobs.execution.post import LOOK, News, Post
from jobs.execution.prepare import Workbench
from jobs.execution.store import OutputStore, StoreFull
from jobs.models import Attempt, Site
from jobs.outcomes import Ending
from scheduler_site.standstill import Pulse

logger = logging.getLogger(__name__)

STARTUP_SECONDS: Final = 300.0
LEAST_FREE_BYTES: Final = 1 << 20
DATABASE_PAUSE_SECONDS: Final = 1.0


class Session(threading.Thread):
    """Attends one host for as long as this engine owns it."""

    def __init__(
        self,
        grip: Grip,
        *,
        store: OutputStore,
        pool: Executor,
        on_finished: Callable[[Sequence[int]], None],
        pulse: Pulse,
    ) -> None:
        super().__init__(name=f"host-{grip.host}", daemon=True)
        self.grip = grip
        self.pulse = pulse
        self.is_elsewhere = False
        self._store = store
        self._pool = pool
        self._on_finished = on_finished
        self._over = threading.Event()
        self._told: deque[int] = deque()
        self._inbox: Inbox[News] | None = None
        self._is_after_death = grip.is_after_death

    def ring(self, attempts: Sequence[int] = ()) -> None:
        """There is something new in the rows about this host: these attempts, or anything."""
        self._told.extend(attempts or [LOOK])
        if (inbox := self._inbox) is not None:
            inbox.ring()

    def end(self) -> None:
        """Stop attending. The runs on the host go on."""
        self._over.set()
        self.ring()

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._pause(self._round())
        finally:
            connection.close()

    def _is_over(self) -> bool:
        self.pulse.beat()
        return self._over.is_set()

    def _round(self) -> float:
        """Connect and attend until something ends it. Seconds to wait before the next round."""
        try:
            self._attend(self._is_over)
        except (HostUnreachable, HostUnsuitable) as problem:
            return self._give_way(str(problem))
        except Elsewhere as problem:
            self.is_elsewhere = True
            self._over.set()
            return self._give_way(str(problem))
        except StoreFull as problem:
            # Nothing is lost: the host keeps what was not brought. New runs would only add to it.
            return self._give_way(f"{problem.strerror} here; what its runs write stays on the host meanwhile.")
        except HostChanged as problem:
            logger.info("%s", problem)
        except Fenced as problem:
            logger.warning("%s", problem)
            self._over.set()
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("host %s: the database does not answer: %s", self.grip.host, problem)
            connection.close()
            return DATABASE_PAUSE_SECONDS
        except Exception:
            # The top of a loop that must not end: told, and tried again from a fresh connection.
            logger.exception("host %s: unexpected; connecting again", self.grip.host)
            return self._give_way("An unexpected error; the engine's log says more.")
        return 0.0

    def once(self, *, steps: int) -> None:
        """Attend for a few steps in the caller's thread, then give the host up. What then runs goes on."""
        left = iter(range(steps))
        try:
            self._attend(lambda: next(left, None) is None)
        except (HostUnreachable, HostUnsuitable) as problem:
            self._give_way(str(problem))
        finally:
            ownership.release(self.grip)

    def _attend(self, is_over: Callable[[], bool]) -> None:
        if self._is_after_death:
            leftovers.count_death(self.grip)
            self._is_after_death = False
        host = Host.objects.get(pk=self.grip.host)
        with closing(open_line(host, site=Site.get().uuid)) as line:
            check_place(host, line, self.grip)
            self.pulse.beat(busy_seconds=STARTUP_SECONDS)
            prepare_host(host, line, self.grip)
            self.pulse.beat()
            contact.reached(self.grip, boot_id=line.hello.boot_id, at=now())
            self._on_finished(())
            inbox: Inbox[News] = Inbox(self._pool)
            self._inbox = inbox
            try:
                Attendance(self._post(host, line, inbox)).attend(is_over)
            finally:
                self._inbox = None
                line.close()
                inbox.close()

    def _post(self, host: Host, line: Line, inbox: Inbox[News]) -> Post:
        offset = Ownership.objects.values_list("journal_offset", flat=True).get(host=host)
        return Post(
            host=host,
            grip=self.grip,
            line=line,
            workbench=Workbench(host, runs_directory=f"{line.hello.directory}/runs"),
            collector=Collector(line.transport, line.supervisor, self._store, self.grip),
            inbox=inbox,
            told=self._told,
            on_finished=self._on_finished,
            # A journal that is shorter than what was read is a new one.
            offset=offset if offset <= line.hello.journal_bytes else 0,
        )

    def _give_way(self, reason: str) -> float:
        """The host cannot be used now: say so, and let go what it certainly has not been given."""
        try:
            wait = contact.failed(self.grip, reason=reason, at=now())
            put_back(self.grip, reason=reason)
            leftovers.give_up(self.grip, store=self._store, at=now())
        except Fenced:
            self._over.set()
            return 0.0
        except (DatabaseError, InterfaceError):
            logger.exception("host %s", self.grip.host)
            connection.close()
            return DATABASE_PAUSE_SECONDS
        self._on_finished(())
        return wait.total_seconds()

    def _pause(self, seconds: float) -> None:
        self.pulse.beat(busy_seconds=seconds)
        if seconds > 0 and not self._over.is_set():
            self._over.wait(seconds)


def prepare_host(host: Host, line: Line, grip: Grip) -> None:
    """Run the host's startup commands, once per boot. Raises HostUnreachable if they fail or space is short."""
    if is_short(line) and not make_room(host, line):
        raise HostUnreachable(f"No space is left in {line.hello.directory} ({line.hello.free_bytes} bytes).")
    if not host.startup_commands.strip() or host.prepared_boot_id == line.hello.boot_id:
        return
    text = b"sh -c %s </dev/null 2>&1" % quoted(host.startup_commands)
    answer = line.shell.ask(text, timeout_seconds=STARTUP_SECONDS)
    if answer.status:
        said = answer.output.decode(errors="replace").strip()[-300:]
        raise HostUnreachable(f"Its startup commands ended with {answer.status}: {said}")
    ownership.check(grip)
    Host.objects.filter(pk=host.pk).update(prepared_boot_id=line.hello.boot_id)


def is_short(line: Line) -> bool:
    """Whether the host has no space for runs."""
    return line.hello.free_bytes is not None and line.hello.free_bytes < LEAST_FREE_BYTES


def make_room(host: Host, line: Line) -> bool:
    """Remove what is kept on the host of runs that are closed, without waiting for its time. Whether that helps."""
    is_open = Attempt.objects.filter(host=host, finished_at=None).values_list("marker", flat=True)
    closed = set(line.supervisor.old(older_than=timedelta(0))) - set(is_open)
    if closed:
        line.supervisor.drop(sorted(closed))
        logger.warning("host %s: no space; %d closed runs were removed early", host.name, len(closed))
    free = line.supervisor.hello().free_bytes
    return free is None or free >= LEAST_FREE_BYTES


def put_back(grip: Grip, *, reason: str) -> None:
    """Close the attempts that were never handed to the host: their jobs go back in line."""
    never_sent = Attempt.objects.filter(host_id=grip.host, finished_at=None, script=None)
    at = now()
    finals = [
        Closing(
            attempt=run.attempt, job=run.job, number=run.number, started_at=None, finished_at=at,
            ending=Ending("host_failed", reason=reason), failures=run.failures, rule=run.rule,
        )
        for run in runs.load(list(never_sent.values_list("pk", flat=True)))
    ]  # fmt: skip
    finish_many(finals, grip=grip, at=at)
