from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from hosts.models import Host
from jobs.config.definitions import define_queue
from jobs.config.demo import programs, sshd
from jobs.config.demo.kinds import HOST, KINDS, NAMES
from jobs.config.demo.loading import load
from jobs.config.demo.removing import remove
from jobs.dispatch.explain import explain
from jobs.models import Job, JobState, JobType, Queue, Schedule
from jobs.problems import Refused
from tests.builders import make_host, make_job, make_user
from tests.servers.parts import program

pytestmark = pytest.mark.django_db

# The command brings the schema up to date, and for that closes connections.
whole_site = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, 0, tzinfo=UTC)
Without = Callable[..., None]


@pytest.fixture(autouse=True)
def own_directories(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Each test has a data directory of its own, and leaves no server behind."""
    settings.BATCHYARD_DATA_DIR = tmp_path
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "files"]
    settings.BATCHYARD_KEY_DIR = tmp_path / "keys"
    settings.BATCHYARD_OUTPUT_DIR = str(tmp_path / "output")
    yield
    sshd.stop(tmp_path / "demo" / "sshd")


@pytest.fixture
def owner() -> User:
    make_host(seats=8)
    return make_user("admin", is_superuser=True)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Without:
    """The machine lacks some programs, and has all others."""

    def lack(*names: str) -> None:
        monkeypatch.setattr(programs, "path_of", lambda name: None if name in names else f"/usr/bin/{name}")

    return lack


def demo(*words: str) -> str:
    out = StringIO()
    call_command("demo", *words, stdout=out)
    return out.getvalue()


def definitions() -> dict[str, set[str]]:
    rows = {"queues": Queue, "types": JobType, "schedules": Schedule, "hosts": Host}
    return {noun: set(model.objects.values_list("name", flat=True)) for noun, model in rows.items()}  # type: ignore[attr-defined]


# --- loading ---


def test_a_second_load_neither_doubles_definitions_nor_jobs_that_wait(owner: User, without: Without) -> None:
    without("sshd")

    first, known = load(owner, at=NOON), definitions()
    second = load(owner, at=NOON + timedelta(hours=1))

    assert [job.pk for job in second.jobs] == [job.pk for job in first.jobs]
    assert definitions() == known
    assert len(first.jobs) == Job.objects.count() == sum(len(kind.jobs) for kind in KINDS if kind.host is None)


def test_a_job_that_has_ended_is_submitted_anew(owner: User, without: Without) -> None:
    without("sshd")
    first = load(owner, at=NOON).jobs[0]
    Job.objects.filter(pk=first.pk).update(state=JobState.SUCCEEDED, finished_at=NOON)

    again = load(owner, at=NOON).jobs[0]

    assert again.pk != first.pk
    assert again.notes == first.notes


def test_a_definition_that_was_changed_is_as_shipped_again(owner: User, without: Without) -> None:
    without("sshd")
    load(owner, at=NOON)
    JobType.objects.filter(name="demo-report").update(template="exit 1")

    load(owner, at=NOON)

    assert "sqlite3" in JobType.objects.get(name="demo-report").template


def test_a_queue_of_the_same_name_is_used_as_it_is(owner: User, without: Without) -> None:
    without("sshd")
    define_queue({"name": "nightly", "title": "Ours"})

    load(owner, at=NOON)

    assert Queue.objects.get(name="nightly").title == "Ours"
    assert Job.objects.filter(queue__name="nightly").exists()


def test_the_jobs_of_the_night_say_until_when_they_wait(owner: User, without: Without) -> None:
    without("sshd")

    nightly = [job for job in load(owner, at=NOON).jobs if job.queue.name == "nightly"]

    (told,) = [blocker for job in nightly for blocker in explain(job, at=NOON)]
    assert (told.kind, told.until) == ("window_closed", NOON.replace(hour=22))
    assert [blocker.kind for job in nightly for blocker in explain(job, at=MIDNIGHT)] == []


@pytest.mark.parametrize(
    ("lacking", "kind", "package"),
    [
        pytest.param("convert", "demo-frame", "imagemagick", id="ImageMagick"),
        pytest.param("cc", "demo-build", "gcc", id="a compiler"),
        pytest.param("sqlite3", "demo-report", "sqlite3", id="SQLite"),
        pytest.param("sshd", "demo-backup", "openssh-server", id="an SSH server"),
    ],
)
def test_what_is_missing_is_named_with_its_package_and_the_rest_loaded(
    owner: User, without: Without, lacking: str, kind: str, package: str
) -> None:
    without("sshd", lacking)

    loaded = load(owner, at=NOON)

    (reason,) = [reason for reason in loaded.left_out if f"({kind})" in reason]
    assert f"{lacking} is missing" in reason
    assert f"apt-get install {package}" in reason
    assert {job.type.name for job in loaded.jobs} == NAMES - {kind, "demo-backup"}


def test_packages_that_are_named_are_those_that_make_installs() -> None:
    lines = (Path(__file__).resolve().parents[2] / "system-packages.txt").read_text().splitlines()
    installed = {line.removesuffix("# demo").strip() for line in lines if line.endswith("# demo")}

    assert {word for kind in KINDS for packages in kind.programs.values() for word in packages.split()} <= installed


# --- the command ---


@whole_site
def test_it_tells_pages_results_and_how_to_take_it_away(owner: User, without: Without) -> None:
    without("sshd")

    out = demo()

    for job in Job.objects.all():
        assert f"/jobs/{job.pk}/  {job.notes}" in out
    assert "Left out: A compressed backup" in out
    assert "make run" in out
    assert "make demo-remove" in out


@whole_site
def test_a_site_that_was_never_started_is_made_ready(without: Without, capsys: pytest.CaptureFixture[str]) -> None:
    without("sshd")

    demo()

    assert 'The password of "admin"' in capsys.readouterr().out
    assert {job.owner.username for job in Job.objects.all()} == {"admin"}


@whole_site
def test_without_a_superuser_it_says_what_to_do(without: Without) -> None:
    without("sshd")
    make_user("alice")

    with pytest.raises(CommandError, match="createsuperuser"):
        demo()


# --- the SSH server ---


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    program("sshd")
    return tmp_path / "demo" / "sshd"


def listening(port: int) -> set[str]:
    """The local addresses on which this machine takes connections to a port, as the kernel writes them."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def test_the_server_is_on_loopback_only_and_its_files_are_private(tmp_path: Path, directory: Path) -> None:
    server = sshd.start(directory, client_key=tmp_path / "keys" / HOST, at=NOON)

    assert listening(server.port) == {"0100007F"}
    assert server.port >= 1024
    assert server.until == NOON + sshd.LIFE
    for private in (directory, directory / "host_key", tmp_path / "keys" / HOST):
        assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0
    assert b"timeout" in Path(f"/proc/{server.pid}/cmdline").read_bytes()


def test_a_second_start_keeps_port_and_keys(tmp_path: Path, directory: Path) -> None:
    key = tmp_path / "keys" / HOST

    first = sshd.start(directory, client_key=key, at=NOON)
    second = sshd.start(directory, client_key=key, at=MIDNIGHT)

    assert (second.port, second.host_key) == (first.port, first.host_key)
    assert sshd.running(directory) == second.pid != first.pid
    assert second.until > first.until


def test_stop_ends_it_once(tmp_path: Path, directory: Path) -> None:
    server = sshd.start(directory, client_key=tmp_path / "keys" / HOST, at=NOON)

    assert sshd.stop(directory)
    assert not sshd.stop(directory)
    assert listening(server.port) == set()


def test_a_pid_that_another_process_has_by_now_is_left_alone(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "pid").write_text(f"{os.getpid()}\n")

    assert sshd.running(directory) is None
    assert not sshd.stop(directory)


def test_a_server_that_cannot_start_says_why_and_the_rest_is_loaded(
    owner: User, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sshd, "ADDRESS", "192.0.2.1")
    monkeypatch.setattr(sshd, "_port", lambda _directory: 2222)
    monkeypatch.setattr(sshd, "START_SECONDS", 1.0)

    loaded = load(owner, at=NOON)

    (reason,) = [reason for reason in loaded.left_out if "(demo-backup)" in reason]
    assert "sshd does not serve: " in reason
    assert "demo-backup" not in {job.type.name for job in loaded.jobs}
    assert sshd.running(directory) is None


# --- removing ---


@whole_site
def test_everything_goes_and_what_was_there_before_stays(owner: User, directory: Path, tmp_path: Path) -> None:
    before = definitions()
    loaded = load(owner, at=NOON)
    assert loaded.left_out == []
    assert loaded.server is not None

    assert "removed" in demo("--remove")

    assert definitions() == before
    assert not Job.objects.exists()
    assert listening(loaded.server.port) == set()
    assert [path.name for path in (tmp_path / "demo", tmp_path / "files/batchyard-demo") if path.exists()] == []
    assert list((tmp_path / "keys").iterdir()) == []


def test_a_queue_with_jobs_of_others_is_left_and_named(owner: User, without: Without) -> None:
    without("sshd")
    load(owner, at=NOON)
    make_job(queue="anytime")

    (reason,) = remove()

    assert reason.startswith('Queue "anytime" has jobs: 1 ready.')
    assert definitions()["queues"] == {"anytime"}
    assert Job.objects.count() == 1


def test_a_queue_with_a_title_of_its_own_is_somebodys_own(owner: User, without: Without) -> None:
    without("sshd")
    define_queue({"name": "anytime", "title": "Ours"})
    load(owner, at=NOON)

    assert remove() == []
    assert definitions()["queues"] == {"anytime"}


def test_nothing_is_removed_while_a_job_of_it_runs(owner: User, without: Without) -> None:
    without("sshd")
    job = load(owner, at=NOON).jobs[0]
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    known = definitions()

    with pytest.raises(Refused, match=f"running: {job.pk}"):
        remove()

    assert definitions() == known
