"""yard logs, explain, job result: what a job wrote, and why it waits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.clean import Cleaner
from yard.failures import Failure
from yard.options import JobId, one_of
from yard.session import Session
from yard.verb import verb
from yard.verbs.jobs import ATTEMPT_COLUMNS
from yard.watching import follow, left_alone

STREAMS: Final = ("both", "stdout", "stderr")
CHUNK_BYTES: Final = 1024 * 1024


def register(app: typer.Typer, job: typer.Typer) -> None:
    verb(app, "logs", example="yard logs 17\nyard logs 17 --follow --stream stderr")(logs)
    verb(app, "explain", example="yard explain 17")(explain)
    verb(job, "result", example="yard job result 17\nyard job result 17 --all")(result)


def result(
    session: Session,
    job: JobId,
    every: Annotated[bool, typer.Option("--all", "-a", help="Of all attempts, not of the last alone.")] = False,
) -> None:
    """Show how a job ended and what it wrote."""
    row = session.site.get(f"jobs/{job}")
    attempts = row["attempts"] if every else row["attempts"][-1:]
    if not attempts:
        raise Failure(f"Job {job} has not run yet.", hint=f"Why: yard explain {job}", code="not_run")
    if session.out.is_json:
        texts = {one["number"]: b"".join(chunks(session, job, "both", one["number"])) for one in attempts}
        results = [{**one, "output": texts[one["number"]].decode("utf-8", "replace")} for one in attempts]
        session.out.document({"job": job, "results": results})
        return
    for attempt in attempts:
        session.out.table(ATTEMPT_COLUMNS, [attempt], empty="")
        _print(session, chunks(session, job, "both", attempt["number"]), is_raw=False)


def logs(
    session: Session,
    job: JobId,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    stream: Annotated[
        str, typer.Option("--stream", autocompletion=names.words(*STREAMS), help="stdout, stderr or both.")
    ] = "both",
    attempt: Annotated[int | None, typer.Option("--attempt", min=1, help="Default: the last.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="As it is, control characters too.")] = False,
) -> None:
    """Show what a job wrote. Control characters are left out unless --raw is given."""
    one_of(stream, STREAMS, what="stream")
    if following:
        try:
            text = follow(session, job, stream=stream, attempt=attempt, is_raw=raw)
        except KeyboardInterrupt:
            raise left_alone(session, job) from None
    elif session.out.is_json:
        text = b"".join(chunks(session, job, stream, attempt)).decode("utf-8", "replace")
    else:
        _print(session, chunks(session, job, stream, attempt), is_raw=raw)
        return
    if session.out.is_json:
        session.out.document({"job": job, "stream": stream, "attempt": attempt, "output": text})


def chunks(session: Session, job: int, stream: str, attempt: int | None) -> Iterator[bytes]:
    """The bytes of an attempt's output so far."""
    offset = 0
    while True:
        params: dict[str, Any] = {"stream": stream, "offset": offset, "limit": CHUNK_BYTES}
        if attempt is not None:
            params["attempt"] = attempt
        answer = session.site.ask("GET", f"jobs/{job}/output", params=params)
        if gap := answer.headers.get("X-Output-Gap"):
            session.out.note(f"(bytes {gap.replace('-', ' to ')} were dropped)")
        if answer.content:
            yield answer.content
        following = int(answer.headers.get("X-Output-Next", offset + len(answer.content)))
        if following <= offset or following >= int(answer.headers.get("X-Output-Size", 0)):
            return
        offset = following


def _print(session: Session, pieces: Iterator[bytes], *, is_raw: bool) -> None:
    cleaner = Cleaner()
    for piece in pieces:
        if is_raw:
            sys.stdout.buffer.write(piece)
        else:
            session.out.write(cleaner.take(piece))
    session.out.write("" if is_raw else cleaner.take(b"", is_last=True))
    sys.stdout.flush()


def explain(session: Session, job: JobId) -> None:
    """Say everything that keeps a job from starting."""
    answer = session.site.get(f"jobs/{job}/explain")
    if session.out.is_json:
        session.out.document(answer)
        return
    for blocker in answer["blockers"]:
        session.out.line(blocker["message"])
    if not answer["blockers"]:
        row = session.site.get(f"jobs/{job}")
        is_open = row["state"] in {"blocked", "ready"}
        session.out.line(f"Job {job} can start now." if is_open else f"Job {job} is {row['state']}: {row['reason']}")
