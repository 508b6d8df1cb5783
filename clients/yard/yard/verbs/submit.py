"""yard submit: one job, or many."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.batches import read_jobs
from yard.failures import Unreachable, Usage
from yard.options import Host, check_text, pair, read_text
from yard.passwords import ask_secret
from yard.session import Session, local_now
from yard.site import part
from yard.times import moment
from yard.uploads import bar, upload
from yard.verb import verb
from yard.watching import ending, follow, left_alone, status_of, wait

BATCH_JOBS: Final = 10_000


def register(app: typer.Typer) -> None:
    verb(
        app,
        "submit",
        example="yard submit 'echo hello; uname -sr' --follow\n"
        "yard submit scenes/cat.blend 17 --queue nightly --type render --at 'tomorrow 22:00'\n"
        "yard submit --type count --upload input=./in.txt -p report=out.txt --wait\n"
        "yard submit --type fetch --secret login\n"
        "yard submit --from jobs.csv --queue nightly",
    )(submit)


def submit(
    session: Session,
    values: Annotated[list[str] | None, typer.Argument(metavar="VALUE", help="In the order of the type.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", autocompletion=names.queues, help="Its queue.")] = None,
    kind: Annotated[str | None, typer.Option("--type", "-t", autocompletion=names.types, help="Its type.")] = None,
    host: Host = None,
    at: Annotated[str | None, typer.Option("--at", "--start", metavar="TIME", help="Not before.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", "-n", help="What people should know of it.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Wins over a bare VALUE.")
    ] = None,
    hidden: Annotated[
        list[str] | None, typer.Option("--secret", metavar="NAME", help="Ask for it, or read a line of standard input.")
    ] = None,
    uploads: Annotated[
        list[str] | None, typer.Option("--upload", metavar="NAME=PATH", help="Send a file; the parameter names it.")
    ] = None,
    priority: Annotated[int | None, typer.Option("--priority", help="Larger first; 0 without.")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Not before it is released.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Many jobs: CSV or JSON lines; - is standard input.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Repeating the same key makes no second job.")] = None,
    wait_for: Annotated[bool, typer.Option("--wait", help="Until it ends; exit as it did.")] = False,
    following: Annotated[bool, typer.Option("--follow", "-f", help="The same, showing its output.")] = False,
) -> int | None:
    """Put a job into a queue, or many.

    Bare values fill the type's parameters in their order. A value is taken as it is, also one that begins with @.
    """
    check_text(*(values or ()), *(parameter or ()), notes, queue, kind, host)
    fields = _every_job(session, queue=queue, kind=kind, host=host, notes=notes, priority=priority, hold=hold)
    if at is not None:
        fields["not_before"] = moment(at, at=local_now()).isoformat()
    named = dict(pair(text, what="a parameter") for text in parameter or ()) | _asked(hidden or (), source=source)
    files = [pair(text, what="a file") for text in uploads or ()]
    if source is not None:
        if values or wait_for or following:
            raise Usage("--from takes no bare values, --wait or --follow.")
        jobs = read_jobs(read_text(source), source=source, defaults={**fields, "params": named})
        _submit_many(session, jobs, key=key or secrets.token_hex(16), sent=_sent(session, files))
        return None
    params = {**_positional(session, fields["type"], values or ()), **named, **_sent(session, files)}
    job = _submit_one(session, {**fields, "params": params}, key=key or secrets.token_hex(16))
    if not (wait_for or following):
        reason = f": {job['reason']}" if job["reason"] else "."
        session.out.answer(job, lambda: session.out.line(f"Job {job['id']} is {job['state']}{reason}"))
        return None
    return _accompany(session, int(job["id"]), is_following=following)


def _every_job(session: Session, *, queue: str | None, kind: str | None, **given: Any) -> dict[str, Any]:
    settings = session.settings
    told = {
        "queue": queue or settings["queue"].value,
        "type": kind or settings["type"].value,
        "host": given["host"] or settings["host"].value or None,
        "notes": given["notes"],
        "priority": given["priority"],
        "held": given["hold"] or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _positional(session: Session, kind: str, values: Sequence[str]) -> dict[str, str]:
    """Bare values by the names of the type's parameters, in their order. Raises Usage if they are too many."""
    if not values:
        return {}
    declared = [str(one["name"]) for one in session.site.get(f"job-types/{part(kind)}")["params"]]
    if len(values) > len(declared):
        takes = f"takes {len(declared)}: {', '.join(declared)}" if declared else "takes none"
        hint = "Quote a value that has blanks." if len(declared) == 1 else ""
        raise Usage(f'{len(values)} values are given; type "{kind}" {takes}.', hint=hint, code="too_many_values")
    return dict(zip(declared, values, strict=False))


def _asked(names: Sequence[str], *, source: str | None) -> dict[str, str]:
    """Values of secret parameters. Raises Usage where standard input is the list of jobs."""
    if names and source == "-":
        raise Usage("--secret and --from - cannot both read standard input.", hint="Name a file with --from.")
    return {name: ask_secret(name) for name in names}


def _sent(session: Session, files: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: str(upload(session, Path(path), None)["path"]) for name, path in files}


def _submit_one(session: Session, job: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = session.site.ask("POST", "jobs", json=job, key=key).json
    except Unreachable as failure:
        raise _unknown(failure, key) from failure
    except KeyboardInterrupt:
        session.out.note(f"It is not known whether the site has taken the job. {_again(key)}")
        raise
    return told


def _again(key: str) -> str:
    return f"To ask again without a second job, add --key {key}"


def _unknown(failure: Unreachable, key: str) -> Unreachable:
    """The same, with how to repeat it if the site may have taken the work in."""
    if failure.code in {"redirected", "not_batchyard"} or failure.message.startswith("Cannot reach"):
        return failure
    return Unreachable(failure.message, hint=f"{failure.hint} {_again(key)}".strip(), code=failure.code)


def _submit_many(session: Session, jobs: Sequence[dict[str, Any]], *, key: str, sent: Mapping[str, str]) -> None:
    """Up to 10,000 at a time; each such batch is taken as a whole or not at all."""
    for job in jobs:
        job["params"].update(sent)
    ids: list[int] = []
    with bar(session, "jobs", total=len(jobs), is_bytes=False) as progress:
        for first in range(0, len(jobs), BATCH_JOBS):
            batch = jobs[first : first + BATCH_JOBS]
            try:
                answer = session.site.ask("POST", "jobs/bulk", json={"jobs": batch}, key=f"{key}.{first}")
            except (Unreachable, KeyboardInterrupt) as stopped:
                session.out.note(f"{len(ids)} of {len(jobs)} jobs are known to be taken. {_again(key)}")
                raise stopped
            ids += answer.json["ids"]
            if progress:
                progress.advance(progress.task_ids[0], len(batch))
    shown = f"Jobs {ids[0]} to {ids[-1]}" if len(ids) > 1 else f"Job {ids[0]}"
    session.out.answer({"ids": ids}, lambda: session.out.line(f"{shown} ({len(ids)}) are taken."))


def _accompany(session: Session, job: int, *, is_following: bool) -> int:
    """Wait for the job, or show it; the exit status that it stands for."""
    session.out.note(f"Job {job}")
    try:
        output = follow(session, job, stream="both", attempt=None, is_raw=False) if is_following else None
        ended = wait(session, job)
    except KeyboardInterrupt:
        raise left_alone(session, job) from None
    told = ended if output is None else {**ended, "output": output}
    session.out.answer(told, lambda: session.out.note(ending(ended)))
    return status_of(ended)
