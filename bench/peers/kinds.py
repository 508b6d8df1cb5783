"""Which peers there are: what each needs, how its workers are started, how jobs are submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One system. `{bin}` in commands is the directory of its own virtual environment's programs.

    packages  from PyPI, into that environment; programs  of Debian's, which have to be there
    server    what keeps its jobs: redis, postgres or nothing
    """

    title: str
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    server: str = ""
    prepare: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    submit: tuple[str, ...] = ()


def _python(name: str) -> tuple[str, ...]:
    return ("{bin}/python", f"{{programs}}/peer_{name}.py")


PEERS: Final[Mapping[str, Peer]] = {
    "celery": Peer(
        title="Celery, prefork, Redis",
        packages=("celery[redis]==5.7.0",),
        server="redis",
        worker=("{bin}/celery", "-A", "peer_celery", "-q", "worker", "-c", str(WORKERS), "--without-gossip"),
        submit=_python("celery"),
    ),
    "huey": Peer(
        title="huey, processes, Redis",
        packages=("huey==3.5.4", "redis==8.1.0"),
        server="redis",
        worker=("{bin}/huey_consumer", "peer_huey.huey", "-w", str(WORKERS), "-k", "process", "-q"),
        submit=_python("huey"),
    ),
    "procrastinate": Peer(
        title="procrastinate, PostgreSQL",
        packages=("procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9"),
        server="postgres",
        prepare=("{bin}/procrastinate", "-a", "peer_procrastinate.app", "schema", "--apply"),
        worker=("{bin}/procrastinate", "-a", "peer_procrastinate.app", "worker", "-c", str(WORKERS)),
        submit=_python("procrastinate"),
    ),
    "django-q2": Peer(
        title="django-q2, ORM broker on SQLite",
        packages=("django-q2==1.11.1", "django==5.2.19", "setuptools==80.9.0"),
        prepare=("{bin}/django-admin", "migrate", "--settings=peer_djangoq", "-v0"),
        worker=("{bin}/django-admin", "qcluster", "--settings=peer_djangoq"),
        submit=_python("djangoq"),
    ),
    "tsp": Peer(title="task-spooler", programs=("tsp",)),
    "slurm": Peer(title="Slurm, one node", programs=("slurmctld", "slurmd", "munged", "sbatch")),
}
