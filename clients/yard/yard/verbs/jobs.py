"""yard ls, job: what there is and what may be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Failure, Usage
from yard.options import Host, JobId, JobIds, OnlyType, Since, Until, check_text, lookback, one_of
from yard.printing import Column
from yard.session import Session, local_now
from yard.site import Site
from yard.times import lasted, moment, told
from yard.verb import verb

STATES: Final = ("blocked", "ready", "running", "succeeded", "failed", "cancelled", "skipped")
OPEN: Final = STATES[:3]
LIMIT: Final = 100
# What is said of an action, done or begun.
DONE: Final = {
    "cancel": "is cancelled", "kill": "is killed", "pause": "is paused", "resume": "goes on", "retry": "runs again",
    "hold": "is held", "release": "is released",
}  # fmt: skip
# Where a job goes, also in the words of batchd's client.
TO: Final = {
    **dict.fromkeys(("first", "f"), "first"), **dict.fromkeys(("last", "l"), "last"),
    **dict.fromkeys(("up", "more", "u"), "up"), **dict.fromkeys(("down", "less", "d"), "down"),
}  # fmt: skip


def register(app: typer.Typer, job: typer.Typer) -> None:
    verb(app, "ls", example="yard ls\nyard ls nightly --state failed --since '2 days'\nyard ls --all --json")(ls)
    verb(job, "view", example="yard job view 17\nyard job 17")(view)
    verb(job, "update", example="yard job update 17 --notes 'for Ann' --at 'tomorrow 6:00'")(update)
    verb(job, "priority", example="yard job priority 17 5\nyard job priority 17 first")(priority)
    verb(job, "move", example="yard job move 17 --queue nightly\nyard job move 17 --before 12\nyard job move 17 --up")(
        move
    )
    verb(job, "delete", example="yard job delete 17 18")(delete)
    verb(job, "events", example="yard job events 17")(events)
    verb(job, "files", example="yard job files 17")(files)
    for word in DONE:
        verb(job, word, example=f"yard job {word} 17")(_action(word))


def at_field(field: str) -> Callable[[Any], str]:
    return lambda row: told(row[field], at=local_now())


JOB_COLUMNS: Final = (
    Column("JOB", lambda job: job["id"]),
    Column("STATE", lambda job: "held" if job["held"] and job["state"] == "blocked" else job["state"]),
    Column("QUEUE", lambda job: job["queue"], 1),
    Column("TYPE", lambda job: job["type"], 3),
    Column("HOST", lambda job: _host(job), 4),
    Column("CODE", lambda job: job["exit_code"], 2),
    Column("TIME", lambda job: lasted(job["started_at"], job["finished_at"], at=local_now()), 5),
    Column("OWNER", lambda job: job["owner"], 7),
    Column("CREATED", at_field("created_at"), 6),
    Column("NOTES", lambda job: job["notes"][:60], 8),
    Column("WHY", lambda job: "" if job["state"] == "succeeded" else job["reason"][:80], 9),
)


def _host(job: Any) -> str:
    return str(job["attempts"][-1]["host"] if job["attempts"] else job["host"] or "")


def found(
    site: Site, queues: list[str], *, states: tuple[str, ...], limit: int, **params: str | None
) -> list[dict[str, Any]]:
    """The newest jobs of these queues (none: of all) in these states."""
    given = {key: value for key, value in params.items() if value}
    if states != STATES:
        given["state"] = ",".join(states)
    lists: list[list[dict[str, Any]]] = []
    for queue in queues or [""]:
        of_queue = {**given, "queue": queue} if queue else given
        lists.append(list(site.pages("jobs", limit=limit or None, **of_queue)))
    rows = sorted((job for jobs in lists for job in jobs), key=lambda job: -int(job["id"]))
    return rows[: limit or None]


def ls(
    session: Session,
    queues: Annotated[list[str] | None, typer.Argument(metavar="QUEUE", autocompletion=names.queues)] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", "--status", "-s", autocompletion=names.words(*STATES), help="Only so."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Finished jobs as well.")] = False,
    kind: OnlyType = None,
    host: Host = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only of a user.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, help="At most so many; 0: all.")] = LIMIT,
) -> None:
    """List jobs that have not ended, the newest first."""
    check_text(kind, host, owner, *(queues or ()))
    created = lookback(since, until, at=local_now(), keys=("created_after", "created_before"))
    states = tuple(word for text in state or () for word in text.split(","))
    for word in states:
        one_of(word, STATES, what="state")
    wanted = states or (STATES if every else OPEN)
    rows = found(session.site, queues or [], states=wanted, limit=limit, type=kind, host=host, owner=owner, **created)
    hint = "" if every or states else " Finished ones: yard ls --all"
    session.out.answer(
        {"results": rows}, lambda: session.out.table(JOB_COLUMNS, rows, empty=f"There is no such job.{hint}")
    )


def view(session: Session, jobs: JobIds) -> None:
    """Show jobs: state, values, attempts."""
    rows = [session.site.get(f"jobs/{number}") for number in jobs]
    session.out.answer(rows[0] if len(rows) == 1 else {"results": rows}, lambda: _show(session, rows))


ATTEMPT_COLUMNS: Final = (
    Column("ATTEMPT", lambda one: one["number"]),
    Column("HOST", lambda one: one["host"], 2),
    Column("OUTCOME", lambda one: one["outcome"] or one["phase"]),
    Column("CODE", lambda one: one["exit_code"] if one["signal"] is None else f"signal {one['signal']}"),
    Column("STARTED", at_field("started_at"), 1),
    Column("TIME", lambda one: lasted(one["started_at"], one["finished_at"], at=local_now()), 3),
    Column("WHY", lambda one: one["reason"], 4),
)


def _show(session: Session, rows: list[dict[str, Any]]) -> None:
    for number, job in enumerate(rows):
        session.out.write("\n" if number else "")
        session.out.record(_told(job))
        if job["attempts"]:
            session.out.table(ATTEMPT_COLUMNS, job["attempts"], empty="")


def _told(job: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from (("job", job["id"]), ("state", job["state"]), ("why", job["reason"]))
    for word in ("queue", "type", "owner", "host", "priority", "held", "notes"):
        yield word, job[word] or None
    yield "exit code", job["exit_code"]
    for word in ("created_at", "not_before", "started_at", "finished_at"):
        yield word.removesuffix("_at").replace("_", " "), at_field(word)(job)
    for name, value in job["params"].items():
        yield f"${name}", value


def update(
    session: Session,
    job: JobId,
    notes: Annotated[str | None, typer.Option("--notes", "-n", help="What people should know.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", "--start", metavar="TIME", help='Not before; "any": when it can.')
    ] = None,
    host: Annotated[str | None, typer.Option("--host", "-h", autocompletion=names.hosts, help='"*": any.')] = None,
    level: Annotated[int | None, typer.Option("--priority", "-p", help="Larger first.")] = None,
) -> None:
    """Change a job that waits; notes at any time."""
    check_text(notes, host)
    body: dict[str, Any] = {"notes": notes, "priority": level}
    body = {name: value for name, value in body.items() if value is not None}
    if at is not None:
        is_any = at.lower() in {"any", "anytime", "now"}
        body["not_before"] = None if is_any else moment(at, at=local_now()).isoformat()
    if host is not None:
        body["host"] = None if host in {"*", ""} else host
    if not body:
        raise Usage("Nothing is to be changed.", hint="Possible: --notes, --at, --host, --priority.")
    changed = session.site.patch(f"jobs/{job}", body)
    session.out.answer(changed, lambda: session.out.line(f"Job {job} is changed."))


def priority(
    session: Session,
    job: JobId,
    level: Annotated[
        str, typer.Argument(metavar="N|first|up|down|last", autocompletion=names.words("first", "up", "down", "last"))
    ],
) -> None:
    """Say how soon a waiting job's turn is: a number (larger first), or where in its queue it goes.

    A number below 0 is written behind two dashes: yard job priority 17 -- -5
    """
    to = TO.get(level)
    if to is not None:
        moved = session.site.post(f"jobs/{job}/move", {"to": to}).json
        session.out.answer(moved, lambda: session.out.line(f"Job {job} is moved: {to}."))
        return
    try:
        number = int(level)
    except ValueError:
        raise Usage(f"{level[:40]!r} is no priority.", hint="Possible: a number, first, up, down, last.") from None
    changed = session.site.patch(f"jobs/{job}", {"priority": number})
    session.out.answer(changed, lambda: session.out.line(f"Job {job} has priority {changed['priority']}."))


def move(
    session: Session,
    job: JobId,
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", autocompletion=names.queues, help="Another queue.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Before all.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Behind all.")] = False,
    up: Annotated[bool, typer.Option("--up", help="Before the one that is before it.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Behind the one that is behind it.")] = False,
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="JOB", help="Before another job.")] = None,
) -> None:
    """Put a waiting job into another queue (last, unless a place is said) or to another place."""
    places = [word for word, is_said in (("first", first), ("last", last), ("up", up), ("down", down)) if is_said]
    if len(places) + (before is not None) > 1 or not (queue or places or before):
        hint = "Possible: --queue, and one of --first, --last, --up, --down, --before."
        raise Usage("It is not clear where the job is to go.", hint=hint)
    body: dict[str, Any] = {"queue": queue} if queue else {}
    body |= {"to": places[0]} if places else {}
    body |= {"before": before} if before else {}
    moved = session.site.post(f"jobs/{job}/move", body).json
    session.out.answer(moved, lambda: session.out.line(f'Job {job} is moved; its queue is "{moved["queue"]}".'))


def each(session: Session, jobs: list[int], ask: Callable[[int], tuple[Any, str]]) -> int:
    """Ask something of each job, going on where one refuses. The exit status."""
    results, refused = list[Any](), list[Failure]()
    for number in jobs:
        try:
            answer, text = ask(number)
        except Failure as failure:
            if len(jobs) == 1:
                raise
            refused.append(failure)
            session.out.note(f"Job {number}: {failure}")
            results.append({"id": number, "error": {"code": failure.code, "message": failure.message}})
        else:
            results.append(answer)
            if not session.out.is_json:
                session.out.line(text)
    if session.out.is_json:
        session.out.document(results[0] if len(jobs) == 1 else {"results": results})
    return max((failure.status for failure in refused), default=0)


def _action(word: str) -> Callable[..., int]:
    def act(session: Session, jobs: JobIds) -> int:
        def ask(number: int) -> tuple[Any, str]:
            answer = session.site.post(f"jobs/{number}/{word}")
            text = (
                f"Job {number} {DONE[word]}." if answer.status != 202 else f"Job {number}: {word} is being carried out."
            )
            return answer.json, text

        return each(session, jobs, ask)

    act.__doc__ = ACTIONS[word]
    return act


ACTIONS: Final = {
    "cancel": "End jobs: at once if they wait; else TERM, the type's grace, KILL.",
    "kill": "End running jobs by KILL at once. They have then failed.",
    "pause": "Freeze the processes of running jobs.",
    "resume": "Let paused jobs go on.",
    "retry": "Let finished jobs run once more.",
    "hold": "Keep waiting jobs from starting.",
    "release": "Let held jobs go on.",
}


def delete(session: Session, jobs: JobIds) -> int:
    """Remove jobs that do not run, with their history and output."""

    def ask(number: int) -> tuple[Any, str]:
        session.site.delete(f"jobs/{number}")
        return {"id": number, "deleted": True}, f"Job {number} is removed."

    return each(session, jobs, ask)


EVENT_COLUMNS: Final = (
    Column("AT", at_field("at")),
    Column("NOW", lambda event: event["now"]),
    Column("ATTEMPT", lambda event: event["attempt"], 2),
    Column("BY", lambda event: event["actor"], 1),
    Column("WHY", lambda event: event["reason"], 3),
)


def events(session: Session, job: JobId) -> None:
    """Show a job's history, the oldest first."""
    rows = list(session.site.pages(f"jobs/{job}/events"))
    session.out.answer({"results": rows}, lambda: session.out.table(EVENT_COLUMNS, rows, empty="Nothing happened."))


FILE_COLUMNS: Final = (
    Column("PARAMETER", lambda file: file["parameter"]),
    Column("PATH", lambda file: file["path"]),
    Column("SIZE", lambda file: "not there" if file["size"] is None else file["size"], 1),
    Column("KIND", lambda file: file["type"], 2),
)


def files(session: Session, job: JobId) -> None:
    """List the files that a job's parameters name. To fetch what it has made: yard files results 17"""
    rows = session.site.rows(f"jobs/{job}/files")
    empty = "Its parameters name no file."
    session.out.answer({"results": rows}, lambda: session.out.table(FILE_COLUMNS, rows, empty=empty))
