"""How far the watched jobs have got, looked up once for all who watch.

One thread of the process asks the database a few times a second while anybody watches, and tells
the viewers what has changed. No viewer has a thread or a database connection of its own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts import policy
from accounts.models import Session, Token
from jobs.execution.store import Sizes
from jobs.models import Attempt, Event, Job, JobState, Output

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
# Every so many looks it is asked whether the viewers still may.
LOOKS_PER_CHECK: Final = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One attempt's output so far."""

    attempt: int
    number: int
    sizes: Sizes
    is_finished: bool


@dataclass(frozen=True, slots=True)
class News:
    """A job's state, its attempts by number, and whether its viewer may go on watching.

    mark  differs whenever anything that people see of the job has changed, its output apart
    """

    state: str
    exit_code: int | None
    parts: Mapping[int, Part]
    is_admitted: bool = True
    mark: object = None

    @property
    def is_over(self) -> bool:
        return self.state in JobState.final()


GONE: Final = News("removed", None, {})
# In place of a job's number: whatever happens to any job. Told by the mark alone.
ANY_JOB: Final = 0


class Proof(NamedTuple):
    """Whom a viewer is, and by what that is known: the digest of a token, or the key of a session."""

    user: int
    token: str = ""
    session: str = ""


@dataclass(eq=False)
class Viewer:
    """Somebody who watches one job, or ANY_JOB."""

    job: int
    proof: Proof
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)
    _news: News | None = None
    _told: News | None = None

    async def next(self, *, wait_seconds: float) -> News | None:
        """The newest news, once there is any that was not handed out; None after `wait_seconds` without."""
        try:
            await asyncio.wait_for(self._fresh.wait(), wait_seconds)
        except TimeoutError:
            return None
        self._fresh.clear()
        return self._news

    def tell(self, news: News) -> None:
        """Called by the thread that looks: pass `news` on if it differs from the last."""
        if news != self._told:
            self._told = news
            self._loop.call_soon_threadsafe(self._put, news)

    def _put(self, news: News) -> None:
        self._news = news
        self._fresh.set()


class Broadcaster:
    """Looks for all viewers of this process."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def viewer_count(self) -> int:
        """How many watch now."""
        return len(self._viewers)

    @property
    def list_viewer_count(self) -> int:
        """How many watch ANY_JOB now."""
        with self._lock:
            return sum(viewer.job == ANY_JOB for viewer in self._viewers)

    @property
    def is_looking(self) -> bool:
        """Whether the thread that looks is there."""
        return self._thread is not None

    @contextmanager
    def watching(self, viewer: Viewer) -> Iterator[None]:
        """Tell `viewer` the news for as long as this lasts."""
        with self._lock:
            self._viewers.add(viewer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="output-broadcaster", daemon=True)
                self._thread.start()
        self._arrived.set()
        try:
            yield
        finally:
            with self._lock:
                self._viewers.discard(viewer)

    def _run(self) -> None:
        looks = 0
        while viewers := self._present():
            self._arrived.clear()
            try:
                look(viewers, is_check=looks % LOOKS_PER_CHECK == 0)
            except Exception:  # the loop's top: a database that is away for a moment ends no stream
                logger.exception("cannot look how far the watched jobs have got")
                connection.close()
            looks += 1
            # Whoever arrives is told at once; they also bring the time of the next look forward.
            self._arrived.wait(LOOK_SECONDS)

    def _present(self) -> list[Viewer]:
        """Those who watch now. Without any, the thread is over, and the next to arrive starts another."""
        with self._lock:
            if not self._viewers:
                self._thread = None
                connection.close()
            return list(self._viewers)


def look(viewers: Collection[Viewer], *, is_check: bool) -> None:
    """Tell each viewer how far its job has got. Three queries, one more for lists, with `is_check` seven more."""
    admitted = _admitted(viewers) if is_check else set(viewers)
    watched = {viewer.job for viewer in viewers}
    news = _news(watched - {ANY_JOB}) if watched != {ANY_JOB} else {}
    if ANY_JOB in watched:
        news[ANY_JOB] = News("", None, {}, mark=last_event())
    for viewer in viewers:
        found = news.get(viewer.job, GONE)
        viewer.tell(found if viewer in admitted else News(found.state, found.exit_code, {}, is_admitted=False))


def _news(jobs: Collection[int]) -> dict[int, News]:
    # In this order: what is read later is at least as new, so the output of a job that is told as
    # finished is complete.
    columns = ("id", "state", "exit_code", "reason", "is_held")
    states = {row[0]: row[1:] for row in Job.objects.filter(pk__in=jobs).values_list(*columns)}
    rows = Attempt.objects.filter(job__in=jobs).order_by("id")
    attempts = list(rows.values_list("id", "job_id", "number", "finished_at", "phase", "request"))
    sizes: dict[int, Sizes] = defaultdict(Sizes)
    outputs = Output.objects.filter(attempt__in=[row[0] for row in attempts])
    for attempt, stream, size_bytes in outputs.values_list("attempt_id", "stream", "size_bytes"):
        sizes[attempt] = sizes[attempt]._replace(**{stream: size_bytes})
    parts: dict[int, dict[int, Part]] = defaultdict(dict)
    marks: dict[int, tuple[object, ...]] = defaultdict(tuple)
    for attempt, job, number, finished_at, phase, asked in attempts:
        parts[job][number] = Part(attempt, number, sizes[attempt], finished_at is not None)
        marks[job] += (number, finished_at, phase, asked)
    return {job: News(row[0], row[1], parts[job], mark=(row, marks[job])) for job, row in states.items()}


def last_event() -> int:
    """The number of the newest event of all jobs; one look at the end of an index."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _admitted(viewers: Collection[Viewer]) -> set[Viewer]:
    """Those who may still see their job, by a token or session, if by any, that has not ended."""
    watching = policy.still_watching({(viewer.proof.user, viewer.job) for viewer in viewers})
    tokens = _valid_tokens({viewer.proof.token for viewer in viewers} - {""})
    sessions = _open_sessions({viewer.proof.session for viewer in viewers} - {""})
    return {
        viewer
        for viewer in viewers
        if (viewer.proof.user, viewer.job) in watching
        and viewer.proof.token in tokens
        and viewer.proof.session in sessions
    }


def _valid_tokens(digests: Collection[str]) -> set[str]:
    is_valid = Q(expiry=None) | Q(expiry__gt=timezone.now())
    return {"", *Token.objects.filter(is_valid, digest__in=digests).values_list("digest", flat=True)}


def _open_sessions(keys: Collection[str]) -> set[str]:
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return {"", *rows.values_list("session_key", flat=True)}


BROADCASTER: Final = Broadcaster()
