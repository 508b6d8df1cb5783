"""What a look at a host says of its runs, held against what has been known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from hosts.supervisor.records import Look, RunState
from jobs.execution.clock import now
from jobs.execution.closing import Closer
from jobs.execution.launching import Launcher
from jobs.execution.leftovers import RECORDLESS
from jobs.execution.post import Post
from jobs.execution.runs import Run
from jobs.outcomes import Ending

# Of every Linux, in what it tells of processes.
TICKS_PER_SECOND: Final = 100
WHY_LOST: Final = {
    RunState.LOST: "Its command is gone from host {host} and left no exit status.",
    RunState.REBOOTED: "Host {host} was rebooted while it ran.",
    RunState.ABSENT: "Its run directory is gone from host {host}.",
    RunState.GARBLED: "Its record on host {host} is damaged.",
}


class Looker:
    """Looks over one connection, and remembers what looked lost."""

    def __init__(self, post: Post, closer: Closer, launcher: Launcher) -> None:
        self._post = post
        self._closer = closer
        self._launcher = launcher
        self._suspicions: Counter[str] = Counter()

    def compare(self, known: Sequence[Run]) -> bool:
        """Act on what the host says of these runs. Whether some are to be looked at again soon."""
        if not known:
            return False
        looks = self._post.line.supervisor.look([run.marker for run in known])
        to_begin, has_suspects = [], False
        for run in known:
            look = looks[run.marker]
            if look.state == RunState.ABSENT and run.started_at is None:
                # The gate there keeps it to once.
                to_begin.append(run)
            elif look.state in WHY_LOST:
                self._suspect(run, look)
                has_suspects = True
            else:
                self._suspicions.pop(run.marker, None)
                self._believe(run, look)
        self._launcher.launch(to_begin)
        self._closer.close_ready(known)
        return has_suspects

    def _believe(self, run: Run, look: Look) -> None:
        if look.state in {RunState.RUNNING, RunState.SUPERVISOR_DIED}:
            run.is_running = True
            run.started_at = run.started_at or now()
        elif look.state == RunState.ENDED:
            self._seen_ended(run, look)
        elif look.state == RunState.CLAIMED and not look.may_start:
            self._closer.close_early(run, Ending("host_failed", reason="It was handed over but never started."))

    def _seen_ended(self, run: Run, look: Look) -> None:
        """Its start may stand in a part of the journal that has not come yet, or that a full disk has kept out."""
        run.ended = look.end
        if run.started_at is None and look.start_ticks is not None:
            began = look.start_ticks / TICKS_PER_SECOND
            run.started_at = self._post.line.clock.at(began, earliest=run.claimed_at, latest=now())

    def _suspect(self, run: Run, look: Look) -> None:
        """Believe that it is lost when that is seen again: a record may have been read while it was being written.

        Without a record nobody knows whether its command lives: what carries its marker is ended before.
        """
        self._suspicions[run.marker] += 1
        match look.state in RECORDLESS, self._suspicions[run.marker]:
            case _, 1:
                pass
            case True, 2:
                self._post.line.supervisor.kill([run.marker], grace=None)
            case _:
                del self._suspicions[run.marker]
                self._closer.close_lost(run, WHY_LOST[look.state].format(host=self._post.host.name))
