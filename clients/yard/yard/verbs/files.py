"""yard files: what jobs read and write at the site."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import Annotated, Final
from urllib.parse import quote

import typer

from yard.failures import Failure
from yard.options import JobId, check_text
from yard.printing import Column
from yard.session import Session, local_now
from yard.times import told
from yard.uploads import download, fetch, place_of, upload
from yard.verb import verb

COLUMNS: Final = (
    Column("NAME", lambda row: row["name"] + ("/" if row["kind"] == "directory" else "")),
    Column("SIZE", lambda row: row["size"]),
    Column("CHANGED", lambda row: told(row["changed_at"], at=local_now()), 1),
)
Overwriting = Annotated[bool, typer.Option("--overwrite", "-f", help="Replace what is there.")]


def register(files: typer.Typer) -> None:
    verb(files, "list", example="yard files list\nyard files list demo")(list_files)
    verb(files, "put", example="yard files put in.txt demo/in.txt")(put)
    verb(files, "get", example="yard files get demo/report.txt\nyard files get demo/report.txt - | less")(get)
    verb(files, "results", example="yard files results 17 --to results")(results)


def list_files(session: Session, path: Annotated[str, typer.Argument(metavar="DIRECTORY")] = "") -> None:
    """List a directory of the site."""
    check_text(path)
    listing = session.site.get("files", **({"path": path} if path else {}))
    session.out.answer(listing, lambda: session.out.table(COLUMNS, listing["results"], empty="There is nothing."))


def put(
    session: Session,
    local: Annotated[Path, typer.Argument(metavar="LOCAL")],
    path: Annotated[str | None, typer.Argument(metavar="[PATH]", help="Its place at the site.")] = None,
    overwrite: Overwriting = False,
) -> None:
    """Send a file. Without a path its content decides the place; a job's parameter takes the answer."""
    check_text(str(local), path)
    kept = upload(session, local, path, is_overwriting=overwrite)
    session.out.answer(kept, lambda: session.out.line(kept["path"]))


def get(
    session: Session,
    path: Annotated[str, typer.Argument(metavar="PATH")],
    local: Annotated[str | None, typer.Argument(metavar="[LOCAL]", help='A file or directory; "-": here.')] = None,
    overwrite: Overwriting = False,
) -> None:
    """Fetch a file of the site."""
    check_text(path)
    if local == "-":
        fetch(session, place_of(path), sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    name = PurePosixPath(path).name
    target = Path(local or name)
    target = target / name if target.is_dir() else target
    size_bytes = download(session, place_of(path), target, is_overwriting=overwrite)
    row = {"path": path, "local": str(target), "size": size_bytes}
    session.out.answer(row, lambda: session.out.line(f"{target} ({size_bytes} bytes)"))


def results(
    session: Session,
    job: JobId,
    to: Annotated[Path, typer.Option("--to", metavar="DIRECTORY", help="Where to; here without.")] = Path(),
    overwrite: Overwriting = False,
) -> None:
    """Fetch what a job has made: the files of its OutputFile parameters."""
    files = session.site.rows(f"jobs/{job}/files")
    wanted = {str(one["parameter"]): str(one["path"]) for one in files if one["type"] == "OutputFile"}
    if not wanted:
        raise Failure(
            f"Job {job} names no file that it makes.", hint=f"What it wrote: yard logs {job}", code="no_results"
        )
    targets = _targets(wanted, to)
    fetched = []
    for name, path in wanted.items():
        # By the job, so that whoever may see it may have its files, wherever they are.
        place = f"jobs/{job}/files/{quote(name, safe='')}"
        size_bytes = download(session, place, targets[name], is_overwriting=overwrite)
        fetched.append({"parameter": name, "path": path, "local": str(targets[name]), "size": size_bytes})
        if not session.out.is_json:
            session.out.line(f"{targets[name]} ({size_bytes} bytes)")
    if session.out.is_json:
        session.out.document({"job": job, "results": fetched})


def _targets(wanted: dict[str, str], to: Path) -> dict[str, Path]:
    """Where each file goes: by its own name, and by the parameter's as well where two have the same."""
    last = {name: PurePosixPath(path).name for name, path in wanted.items()}
    taken = list(last.values())
    return {name: to / (file if taken.count(file) == 1 else f"{name}-{file}") for name, file in last.items()}
