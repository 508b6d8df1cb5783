"""The part of the engine that lives long: dispatches, owns hosts, and keeps a session for each.

Celery tasks only ring here. With no broker at all it looks by itself every second.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import Final

from django.db import DatabaseError, InterfaceError, connection, transaction

from hosts.models import Host, HostState
from jobs.dispatch.claim import Opened
from jobs.dispatch.clocks import ahead_of_database
from jobs.dispatch.tick import TakingTurns, dispatch_once, pass_once
from jobs.execution import ownership, presence, schema
from jobs.execution.clock import now, uptime
from jobs.execution.outputs import output_store
from jobs.execution.session import Session
from jobs.models import Attempt
from jobs.queueing.bell import ring_owner
from jobs.queueing.gates import CLOCK_LIMIT
from jobs.tallies.totals import fold_once
from scheduler_site.standstill import Watch

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 60.0
LEFT_SECONDS: Final = 2.0
POOL_THREADS: Final = 8
STOP_SECONDS: Final = 8.0


def _make_threads(pool: ThreadPoolExecutor) -> None:
    """Have all of them now, while there is memory: who starts one that finds none waits for ever, and all with him."""
    are_all_here = threading.Barrier(POOL_THREADS)
    wait([pool.submit(are_all_here.wait) for _ in range(POOL_THREADS)])


class Conductor:
    """One per engine process. `start` and `stop` are for its owner, `dispatch` and `attend` are rings from anywhere."""

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name or presence.engine_name()
        self._store = output_store()
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="files")
        self._sessions: dict[int, Session] = {}
        self._idle_since: dict[int, float] = {}
        self._free_since: dict[int, float] = {}
        self._left_to_others: dict[int, float] = {}
        self._over = threading.Event()
        self._watch = Watch()
        self._dispatch_bell = threading.Event()
        self._keep_bell = threading.Event()
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # of whoever dispatches in this process
        self._renewed_at = 0.0
        self._clock_off = timedelta(0)
        self._is_outdated: bool | None = None
        self._booted_at = now() - uptime()
        self._threads = [
            threading.Thread(target=self._loop, args=("dispatcher", self._dispatch), name="dispatcher", daemon=True),
            threading.Thread(target=self._loop, args=("keeper", self._keep), name="keeper", daemon=True),
        ]

    def start(self) -> None:
        logger.info("engine %s starts", self.name)
        self._watch.start()
        _make_threads(self._pool)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Give the hosts up and end the threads. What runs on the hosts goes on."""
        self._over.set()
        self._watch.stop()
        self.dispatch()
        self._keep_bell.set()
        sessions = list(self._sessions.values())
        for session in sessions:
            session.end()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in (*self._threads, *sessions):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        try:
            for session in sessions:
                if not session.is_alive():
                    ownership.release(session.grip)
            presence.withdraw(self.name)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("the database does not answer (%s); the leases will run out by themselves", problem)
        connection.close()
        logger.info("engine %s has stopped", self.name)

    def dispatch(self) -> None:
        """Ring: something may start."""
        self._dispatch_bell.set()

    def attend(self, host: int, attempts: Sequence[int] = ()) -> None:
        """Ring: there is something new about a host, if that is known these attempts."""
        with self._lock:
            session = self._sessions.get(host)
        if session is not None:
            session.ring(attempts)
        elif owner := ownership.owner_of(host):
            if owner != self.name:
                ring_owner(host, owner=owner)
        else:
            self._keep_bell.set()

    def _loop(self, name: str, step: Callable[[], float]) -> None:
        """Repeat a step, which says how long it may rest. Its errors are told and end nothing."""
        pulse = self._watch.pulse(f"the {name}")
        while not self._over.is_set():
            pulse.beat()
            try:
                rest = step()
            except (DatabaseError, InterfaceError) as problem:
                logger.warning("%s: the database does not answer: %s", name, problem)
                connection.close()
                rest = LOOK_SECONDS
            except Exception:
                logger.exception("%s: unexpected; going on", name)
                rest = LOOK_SECONDS
            bell = self._dispatch_bell if name == "dispatcher" else self._keep_bell
            bell.wait(rest)
            bell.clear()
        connection.close()

    def _dispatch(self) -> float:
        if self._is_outdated is not False:
            return LOOK_SECONDS
        with self._turn:
            look = pass_once(at=now(), clock_off=self._clock_off)
        self._tell(look.started)
        if look.next_at is None:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(0.0, (look.next_at - now()).total_seconds()))

    def _refill(self, short: Sequence[int]) -> None:
        """Fill the seats that a session frees, within its transaction: a pass of its own costs as much again.

        What follows the attempts that will soon be over (`short`) is handed ahead as well.
        Where one is under way the seats are left to the dispatcher: its next pass serves all who come meanwhile.
        """
        started = self._dispatched_at_once(short) if self._is_outdated is False else None
        transaction.on_commit(self.dispatch if started is None else partial(self._tell, started))

    def _dispatched_at_once(self, short: Sequence[int]) -> list[Opened] | None:
        """What has been started. None: others are dispatching, or it cannot be done now."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return dispatch_once(at=now(), clock_off=self._clock_off, waits=False, short=short)[0]
        except TakingTurns:
            return None
        except (DatabaseError, InterfaceError) as problem:
            if connection.in_atomic_block and transaction.get_rollback():
                raise  # the caller's transaction is lost as well, and what it has closed is still open
            logger.warning("seats stay free for a moment: %s", problem)
            return None
        finally:
            self._turn.release()

    def _tell(self, started: Sequence[Opened]) -> None:
        opened: dict[int, list[int]] = defaultdict(list)
        for attempt in started:
            opened[attempt.host_id].append(attempt.pk)
        for host, attempts in opened.items():
            self.attend(host, attempts)

    def _keep(self) -> float:
        """Renew what is owned, take hosts with work, give up those without."""
        if time.monotonic() - self._renewed_at > ownership.RENEW_SECONDS:
            self._renew()
            self._watch_clock()
            self._watch_schema()
            fold_once()
        wanted = self._wanted()
        for grip in ownership.acquire(self._to_take(wanted), owner=self.name):
            self._begin(grip)
        for host in list(self._sessions):
            self._end_if_idle(host, is_wanted=host in wanted)
        return LOOK_SECONDS

    def _watch_clock(self) -> None:
        """Ask how far our clock is from the database's, and notice when it has been put forward or back."""
        self._clock_off = ahead_of_database(now)
        if abs(self._clock_off) > CLOCK_LIMIT:
            logger.error("our clock is %s s ahead of the database's; starting nothing", self._clock_off.total_seconds())
        jump = now() - uptime() - self._booted_at
        if abs(jump) > CLOCK_LIMIT:
            self._booted_at += jump
            logger.warning("the clock of this machine has been put forward by %.1f s", jump.total_seconds())

    def _watch_schema(self) -> None:
        """On a newer schema: start nothing, take nothing, look after what runs until it has ended."""
        is_outdated = schema.is_newer()
        if is_outdated and not self._is_outdated:
            logger.error("the database is newer than this program: starting nothing; update and restart this engine")
            presence.withdraw(self.name)
        if self._is_outdated is None:
            # The dispatcher waits for this answer before its first look.
            self._dispatch_bell.set()
        self._is_outdated = is_outdated
        if not is_outdated:
            presence.report(self.name, clock_off=self._clock_off)

    def _wanted(self) -> set[int]:
        """Hosts with open attempts, and those whose return is waited for."""
        busy = Attempt.objects.filter(finished_at=None).values_list("host_id", flat=True).distinct()
        gone = Host.objects.filter(enabled=True, state=HostState.UNREACHABLE).values_list("pk", flat=True)
        return {*busy, *gone}

    def _to_take(self, wanted: set[int]) -> list[int]:
        """Free hosts with work: our share of all at once, more of them only if nobody else takes them."""
        at = time.monotonic()
        self._left_to_others = {host: until for host, until in self._left_to_others.items() if until > at}
        possible = wanted - self._sessions.keys() - self._left_to_others.keys()
        free = sorted(ownership.free(possible)) if not self._is_outdated else []
        share = math.ceil(len(wanted) / max(1, presence.alive())) if free else 0
        room = max(0, share - len(self._sessions))
        self._free_since = {host: self._free_since.get(host, at) for host in free}
        return [host for n, host in enumerate(free) if n < room or at - self._free_since[host] > LEFT_SECONDS]

    def _begin(self, grip: ownership.Grip) -> None:
        pulse = self._watch.pulse(f"the session of host {grip.host}")
        session = Session(grip, store=self._store, pool=self._pool, on_finished=self._refill, pulse=pulse)
        with self._lock:
            self._sessions[grip.host] = session
        session.start()
        logger.info("engine %s owns host %s (token %s)", self.name, grip.host, grip.token)

    def _renew(self) -> None:
        mine = {session.grip for session in self._sessions.values()}
        kept = ownership.renew(mine)
        self._renewed_at = time.monotonic()
        for grip in mine - kept:
            logger.warning("host %s has been taken by another engine", grip.host)
            self._drop(grip.host)

    def _end_if_idle(self, host: int, *, is_wanted: bool) -> None:
        session = self._sessions[host]
        if not session.is_alive():
            if session.is_elsewhere:
                self._left_to_others[host] = time.monotonic() + IDLE_SECONDS
            self._drop(host)
        elif is_wanted:
            self._idle_since.pop(host, None)
        elif time.monotonic() - self._idle_since.setdefault(host, time.monotonic()) > IDLE_SECONDS:
            session.end()

    def _drop(self, host: int) -> None:
        with self._lock:
            session = self._sessions.pop(host)
        self._watch.forget(session.pulse)
        self._idle_since.pop(host, None)
        session.end()
        session.join(STOP_SECONDS)
        ownership.release(session.grip)
