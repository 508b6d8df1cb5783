"""A backup that is taken while jobs run and put back elsewhere tells the same jobs and the same output."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.parts import program
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.scenario

JOBS = 6
COMMAND = "i=0; while [ $i -lt 3000 ]; do echo line $i of $BATCHYARD_JOB; i=$((i+1)); done; echo warned >&2; exit 3"


def told(site: SiteUnderTest, ids: list[int]) -> list[tuple[Any, bytes, bytes]]:
    return [(site.job(pk), site.output(pk), site.output(pk, "stderr")) for pk in ids]


@contextmanager
def restored(source: Path, **environment: str) -> Iterator[SiteUnderTest]:
    """A site on what was copied, with a token of its own."""
    with tempfile.TemporaryDirectory(prefix="by-restored-", ignore_cleanup_errors=True) as directory:
        site = SiteUnderTest(Path(directory), environment)
        shutil.copytree(source, site.directory / "var")
        try:
            assert "streams are as their rows say" in site.manage("check_output")
            site.manage("restored")
            site.start()
            yield site
        finally:
            site.kill()


def fill(site: SiteUnderTest) -> tuple[list[int], int]:
    """Finished jobs with output, and one that runs and writes."""
    ids = [site.submit(COMMAND) for _ in range(JOBS)]
    site.finished(ids, seconds=60)
    running = site.submit("while :; do echo still here; sleep 0.05; done")
    until(lambda: len(site.output(running)) > 100, seconds=30, what="a job writes")
    return ids, running


def copy_files(site: SiteUnderTest, target: Path) -> None:
    """What docs/deploy.md says to copy after the database."""
    shutil.copytree(site.directory / "var" / "output", target / "output")
    shutil.copy(site.directory / "var" / "secret_key", target)


def test_a_sqlite_site_comes_back_from_its_backup(tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.mkdir(mode=0o700)
    with running_site() as site:
        ids, running = fill(site)
        site.manage("backup", str(target / "batchyard.sqlite3"))
        copy_files(site, target)
        before = told(site, ids)
        site.call("POST", f"jobs/{running}/kill")

    with restored(target) as site:
        assert told(site, ids) == before
        [lost] = site.finished([running], seconds=60)
        assert lost["attempts"][0]["outcome"] == "lost"
        site.finished([site.submit("true")], seconds=30)


def test_a_postgresql_site_comes_back_from_its_backup(postgres_server: PostgresServer, tmp_path: Path) -> None:
    pg_dump = Path(program("pg_dump"))
    path = {"PATH": f"{pg_dump.parent}:{os.environ['PATH']}"}
    target = tmp_path / "backup"
    target.mkdir()
    for name in ("before", "after"):
        postgres_server.create(name)
    urls = {name: postgres_server.url.replace("/postgres?", f"/{name}?") for name in ("before", "after")}
    with running_site(DATABASE_URL=urls["before"], **path) as site:
        ids = [site.submit(COMMAND) for _ in range(JOBS)]
        site.finished(ids, seconds=60)
        site.manage("backup", str(tmp_path / "database.dump"))
        copy_files(site, target)
        before = told(site, ids)

    where = ["-h", str(postgres_server.directory), "-U", "postgres", "-d", "after"]
    subprocess.run(
        [str(pg_dump.with_name("pg_restore")), "--no-owner", *where, str(tmp_path / "database.dump")], check=True
    )
    with restored(target, DATABASE_URL=urls["after"]) as site:
        assert told(site, ids) == before
        counts = site.get("queues/default")["counts"]
        assert (counts["failed"], counts["ready"]) == (JOBS, 0)
        site.finished([site.submit("true")], seconds=30)

    for name in ("before", "after"):
        postgres_server.drop(name)


def test_output_that_is_not_as_its_rows_say_is_named(tmp_path: Path) -> None:
    with running_site() as site:
        job = site.submit("echo something")
        site.finished([job], seconds=30)
        [stored] = list((site.directory / "var" / "output").rglob("*.1"))
        stored.write_bytes(b"some-thing")

        with pytest.raises(AssertionError, match=rf"Job {job}, attempt 1, stdout: its bytes are others"):
            site.manage("check_output")


def test_a_backup_does_not_write_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.write_text("kept")

    with pytest.raises(AssertionError, match="is there already"):
        SiteUnderTest(tmp_path).manage("backup", str(file))

    assert file.read_text() == "kept"
