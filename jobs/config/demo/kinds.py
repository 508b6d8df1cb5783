"""The four kinds of work: what each is, which programs it needs, and its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from jobs.config.demo import sshd
from jobs.queueing.submit import Request

ANYTIME: Final = "anytime"
NIGHTLY: Final = "nightly"
SCHEDULE: Final = "demo-nights"
HOST: Final = "demo-ssh"
FOLDER: Final = "batchyard-demo"
FRAMES: Final = 6

NIGHTS: Final[Mapping[str, Any]] = {
    "name": SCHEDULE,
    "title": "Demo: nights",
    "periods": [{"begin": "22:00", "end": "06:00"}],
}
QUEUES: Final[Sequence[Mapping[str, Any]]] = (
    {"name": ANYTIME, "title": "Demo: whenever there is a free seat"},
    {"name": NIGHTLY, "title": "Demo: only at night", "schedule": SCHEDULE},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of work.

    script    its template, beneath examples/
    programs  the Debian package of each program that its command, or its host, needs
    """

    name: str
    title: str
    script: str
    params: Sequence[Mapping[str, Any]]
    programs: Mapping[str, str]
    jobs: Sequence[Request]
    host: str | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """The job type, as the API would be told."""
        template = example(self.script).read_text(encoding="utf-8")
        told = {"name": self.name, "title": self.title, "template": template, "time_limit": 600, "host": self.host}
        return {**told, "params": [dict(param) for param in self.params], "environment": {"LC_ALL": "C.UTF-8"}}


def example(name: str) -> Path:
    """A file or directory beneath examples/."""
    return Path(settings.BASE_DIR) / "examples" / name


def _param(name: str, kind: str, title: str, **more: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "title": title, "required": True, **more}


def _request(kind: str, notes: str, *, queue: str = ANYTIME, **params: str) -> Request:
    return Request(queue=queue, type=kind, params=params, notes=notes)


def _backup(archive: str, notes: str, *, queue: str) -> Request:
    directory, exclude = str(Path(settings.BASE_DIR) / "docs"), f"{FOLDER}/exclude.txt"
    archive = f"{FOLDER}/{archive}"
    return _request("demo-backup", notes, queue=queue, directory=directory, exclude=exclude, archive=archive)


def _report(report: str, notes: str, *, queue: str) -> Request:
    database, report = f"{FOLDER}/orders.sqlite3", f"{FOLDER}/{report}"
    return _request("demo-report", notes, queue=queue, database=database, report=report)


FILM: Final = Kind(
    name="demo-frame",
    title="A frame of a film",
    script="film/render.sh",
    params=[
        _param("frame", "Int", "Number of the frame, from 1"),
        _param("frames", "Int", "Frames of the film", default=str(FRAMES)),
        _param("image", "OutputFile", "Picture (PNG)"),
    ],
    programs={"convert": "imagemagick"},
    jobs=[
        _request("demo-frame", f"Frame {n} of {FRAMES}", frame=str(n), image=f"{FOLDER}/frame-{n}.png")
        for n in range(1, FRAMES + 1)
    ],
)
PROGRAM: Final = Kind(
    name="demo-build",
    title="A program in C, built and checked",
    script="primes/build.sh",
    params=[
        _param("source", "InputFile", "Source (tar.gz)"),
        _param("program", "OutputFile", "Program"),
    ],
    programs={"cc": "gcc libc6-dev", "make": "make"},
    jobs=[
        _request(
            "demo-build", "The program primes", source=f"{FOLDER}/primes.tar.gz", program=f"{FOLDER}/primes"
        )
    ],
)  # fmt: skip
BACKUP: Final = Kind(
    name="demo-backup",
    title="A compressed backup, over SSH",
    script="backup/backup.sh",
    params=[
        _param("directory", "String", "Directory on the host"),
        _param("exclude", "InputFile", "List of what is left out"),
        _param("archive", "OutputFile", "Archive (tar.gz)"),
    ],
    programs={sshd.PROGRAM: sshd.PACKAGE},
    host=HOST,
    jobs=[
        _backup("backup.tar.gz", "Backup of the documentation", queue=ANYTIME),
        _backup("backup-of-the-night.tar.gz", "Backup at night", queue=NIGHTLY),
    ],
)
REPORT: Final = Kind(
    name="demo-report",
    title="A report over a SQLite database",
    script="report/report.sh",
    params=[
        _param("database", "InputFile", "Database (SQLite)"),
        _param("report", "OutputFile", "Report (HTML)"),
    ],
    programs={"sqlite3": "sqlite3"},
    jobs=[
        _report("report.html", "Orders of a year", queue=ANYTIME),
        _report("report-of-the-night.html", "Orders of a year, at night", queue=NIGHTLY),
    ],
)
KINDS: Final = (FILM, PROGRAM, BACKUP, REPORT)
NAMES: Final = frozenset(kind.name for kind in KINDS)
