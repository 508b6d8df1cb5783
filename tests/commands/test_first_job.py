from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from jobs.config.seed import seed
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.execution.finish import Final, finish_many
from jobs.execution.store import FileStore, Sizes
from jobs.management.commands.first_job import Command
from jobs.models import Attempt, Job, JobState, Output, Queue
from jobs.outcomes import RetryRule, exited

pytestmark = pytest.mark.django_db

NO_RETRY = RetryRule(is_retry=False, is_later=False, count=0, delay=timedelta())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    with override_settings(BATCHYARD_STORE=str(tmp_path)):
        yield FileStore(tmp_path)


@pytest.fixture
def engine_ends_jobs_with(monkeypatch: pytest.MonkeyPatch, store: FileStore) -> Callable[..., None]:
    """Whenever the command waits, the engine's stages do their work: start what may start, then end it."""

    def prepare(code: int, *, output: bytes = b"") -> None:
        monkeypatch.setattr(Command, "pause", staticmethod(lambda _seconds: work(code, output, store)))

    return prepare


def work(code: int, output: bytes, store: FileStore) -> None:
    at = timezone.now()
    pass_once(at=at)
    for attempt in Attempt.objects.filter(finished_at=None):
        sizes = store.append(attempt.pk, [("stdout", output)], sizes=Sizes())
        (grip,) = ownership.acquire([attempt.host_id], owner="test")
        final = Final(
            attempt=attempt.pk, job=attempt.job_id, number=attempt.number, ending=exited(code), started_at=at,
            finished_at=at, failures=0, rule=NO_RETRY,
            outputs=[Output(attempt=attempt, stream="stdout", size_bytes=sizes.stdout)],
        )  # fmt: skip
        finish_many([final], grip=grip, at=at)
        ownership.release(grip)


def run(*words: str) -> str:
    out = StringIO()
    call_command("first_job", *words, stdout=out)
    return out.getvalue()


def test_it_shows_how_the_first_job_ended_and_what_it_wrote(engine_ends_jobs_with: Callable[..., None]) -> None:
    seed()
    engine_ends_jobs_with(0, output=b"Hello from here.\n")

    out = run()

    job = Job.objects.get()
    assert (job.queue.name, job.type.name, job.owner.username) == ("default", "command", "admin")
    assert f"Job {job.pk} is succeeded." in out
    assert "Hello from here." in out


def test_output_longer_than_one_read_is_shown_whole(engine_ends_jobs_with: Callable[..., None]) -> None:
    seed()
    text = "".join(f"line {number}\n" for number in range(20_000))
    engine_ends_jobs_with(0, output=text.encode())

    assert text in run()


def test_a_job_that_fails_fails_the_command(engine_ends_jobs_with: Callable[..., None]) -> None:
    seed()
    engine_ends_jobs_with(3)

    with pytest.raises(CommandError, match="has not succeeded"):
        run()


def test_a_site_with_jobs_gets_none_unless_asked(engine_ends_jobs_with: Callable[..., None]) -> None:
    seed()
    engine_ends_jobs_with(0, output=b"hello\n")
    run()

    assert run() == ""
    assert Job.objects.count() == 1

    assert "succeeded" in run("--again")
    assert Job.objects.count() == 2


def test_it_says_what_a_job_waits_for_when_it_does_not_end_in_time() -> None:
    seed()
    Queue.objects.update(enabled=False)

    with pytest.raises(CommandError, match=re.escape('has not ended after 0 s: Queue "default" is disabled.')):
        run("--wait", "0")

    assert Job.objects.get().state == JobState.READY


def test_it_says_that_no_engine_runs_when_nothing_else_is_wrong() -> None:
    seed()

    with pytest.raises(CommandError, match=r"manage\.py serve engine"):
        run("--wait", "0")


def test_it_says_what_to_do_where_there_is_no_account() -> None:
    with pytest.raises(CommandError, match=r"manage\.py first_start"):
        run()


def test_it_says_what_is_missing_in_a_site_without_its_queue() -> None:
    seed()
    Queue.objects.update(name="defaults")

    with pytest.raises(CommandError, match=re.escape('There is no queue "default". Did you mean "defaults"?')):
        run()
