"""A small living example: queues, types and jobs that run on any Debian machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from accounts.models import User
from jobs.config.definitions import define_job_type, define_queue, define_schedule
from jobs.models import Job, JobType, Queue, Schedule
from jobs.queueing.file_roots import roots
from jobs.queueing.submit import Request, submit_many

Data = Mapping[str, Any]

FOLDER: Final = "demo"
SALES: Final = "region,amount\nnorth,120\nsouth,80\nnorth,45\neast,230\nsouth,60\n"

NIGHTS: Final[Data] = {"name": "nights", "periods": [{"begin": "22:00", "end": "06:00"}]}
QUEUES: Final[Sequence[Data]] = (
    {"name": "anytime", "title": "Whenever there is a free seat"},
    {"name": "nightly", "title": "Only at night", "schedule": "nights"},
)
TYPES: Final[Sequence[Data]] = (
    {
        "name": "backup",
        "title": "Compressed copy of a directory",
        "template": "tar -czf $archive -C $directory .\nls -l $archive\ntar -tzf $archive | wc -l\n",
        "params": [
            {"name": "directory", "type": "String", "title": "Directory", "required": True},
            {"name": "archive", "type": "OutputFile", "title": "Archive", "required": True},
        ],
        "on_fail": {"retry": {"when": "later", "count": 2}},
    },
    {
        "name": "report",
        "title": "Sums by region",
        "template": (
            "awk -F, 'NR > 1 { sum[$1] += $2 } END { for (r in sum) print r, sum[r] }' $table |\n"
            "    sort > $report\n"
            "cat $report\n"
        ),
        "params": [
            {"name": "table", "type": "InputFile", "title": "Table (CSV)", "required": True},
            {"name": "report", "type": "OutputFile", "title": "Report", "required": True},
        ],
    },
    {
        "name": "countdown",
        "title": "A line a second, to watch",
        "template": 'n=$seconds\nwhile [ "$n" -gt 0 ]; do echo "$n left"; sleep 1; n=$((n - 1)); done\necho done\n',
        "params": [{"name": "seconds", "type": "Int", "title": "Seconds", "default": "30"}],
        "time_limit": 3600,
    },
)


def load(owner: User, *, at: datetime) -> list[Job]:
    """Make what is missing of the example, and submit its jobs anew. Raises Problems."""
    if not Schedule.objects.filter(name=NIGHTS["name"]).exists():
        define_schedule(dict(NIGHTS))
    for data in QUEUES:
        if not Queue.objects.filter(name=data["name"]).exists():
            define_queue(dict(data))
    for data in TYPES:
        if not JobType.objects.filter(name=data["name"]).exists():
            define_job_type(dict(data))
    folder = roots()[0] / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sales.csv").write_text(SALES)
    return submit_many(_requests(folder), owner=owner, at=at)


def _requests(folder: Path) -> list[Request]:
    report = {"table": str(folder / "sales.csv"), "report": str(folder / "report.txt")}
    backup = {"directory": "/etc/apt", "archive": str(folder / "backup.tar.gz")}
    nightly = {**backup, "archive": str(folder / "nightly.tar.gz")}
    return [
        Request(queue="anytime", type="countdown"),
        Request(queue="anytime", type="report", params=report),
        Request(queue="anytime", type="backup", params=backup),
        Request(queue="nightly", type="backup", params=nightly, notes="Waits for the night."),
    ]
