"""yard watch: jobs as they go."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any, Final

import typer
from rich.live import Live
from rich.text import Text

from yard import names
from yard.failures import Unreachable
from yard.printing import table, width_of
from yard.session import Session, local_now
from yard.verb import verb
from yard.verbs.jobs import JOB_COLUMNS, OPEN, STATES, found

RECENT_JOBS: Final = 5


def register(app: typer.Typer) -> None:
    verb(app, "watch", example="yard watch\nyard watch nightly --interval 5\nyard watch --until-done")(watch)


def watch(
    session: Session,
    queues: Annotated[list[str] | None, typer.Argument(metavar="QUEUE", autocompletion=names.queues)] = None,
    interval: Annotated[
        float, typer.Option("--interval", "-i", min=0.2, max=3600, help="Seconds between looks.")
    ] = 2.0,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500, help="At most so many jobs.")] = 30,
    until_done: Annotated[bool, typer.Option("--until-done", help="End when no job is left that has not.")] = False,
) -> None:
    """Show the jobs that have not ended, and the newest that have, until Ctrl-C.

    Where there is no terminal, each change of a state is one line. With --json: the jobs as they are, once.
    """
    try:
        _watch(session, queues or [], limit, interval, is_ending=until_done)
    except KeyboardInterrupt:  # the usual end
        return


def _watch(session: Session, queues: list[str], limit: int, interval: float, *, is_ending: bool) -> None:
    rows = _rows(session, queues, limit)
    if session.out.is_json:
        session.out.document({"results": rows})
        return
    console = session.out.console
    if not console.is_terminal:
        _lines(session, queues, limit, interval, rows, is_ending=is_ending)
        return
    with Live(console=console, auto_refresh=False) as live:
        for told in _looks(session, queues, limit, interval, rows, is_ending=is_ending):
            live.update(_picture(told), refresh=True)


Rows = list[dict[str, Any]]


def _rows(session: Session, queues: list[str], limit: int) -> Rows:
    going = found(session.site, queues, states=OPEN, limit=limit)
    ended = found(session.site, queues, states=STATES[3:], limit=RECENT_JOBS)
    return [*going, *ended][:limit]


def _looks(session: Session, queues: list[str], limit: int, interval: float, rows: Rows, *, is_ending: bool) -> Any:
    """The jobs, again and again. A site that is away for a moment is waited for."""
    while True:
        yield rows
        if is_ending and all(job["finished_at"] for job in rows):
            return
        time.sleep(interval)
        try:
            rows = _rows(session, queues, limit)
        except Unreachable as failure:
            session.out.note(failure)


def _picture(rows: Rows) -> Any:
    if not rows:
        return Text("There is no job.")
    return table(JOB_COLUMNS, rows, width=width_of(sys.stdout))


def _lines(session: Session, queues: list[str], limit: int, interval: float, rows: Rows, *, is_ending: bool) -> None:
    seen: dict[int, str] = {}
    for told in _looks(session, queues, limit, interval, rows, is_ending=is_ending):
        for job in reversed(told):
            if seen.get(job["id"]) != job["state"]:
                seen[job["id"]] = job["state"]
                session.out.line(f"{local_now():%H:%M:%S} job {job['id']} {job['state']}: {job['reason']}")
