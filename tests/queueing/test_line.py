"""A queue's line after moves is what people expect of a list, also when several move jobs at once."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from jobs.models import Event, Job, JobState, Queue
from jobs.problems import Refused
from jobs.queueing import control, line
from jobs.queueing.states import Move, move
from jobs.queueing.submit import Request, submit_many
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_type, make_user

pytestmark = pytest.mark.django_db
MOVES = 1000 if os.environ.get("BATCHYARD_FUZZ") else 300


def make_line(count: int, *, queue: str = "anytime", priority: int = 0) -> list[int]:
    """So many jobs that were submitted together."""
    make_host()
    make_queue(queue)
    make_type()
    asked = [Request(queue=queue, type="command", params={"command": "true"}, priority=priority)] * count
    return [job.pk for job in submit_many(asked, owner=make_user(), at=MONDAY_NOON)]


def shown(queue: str = "anytime") -> list[int]:
    return list(line.line_of(Queue.objects.get(name=queue).pk).values_list("pk", flat=True))


def put(pk: int, place: str = "last", **options: object) -> None:
    control.move_to(Job.objects.get(pk=pk), place=place, actor="alice", at=MONDAY_NOON, **options)  # type: ignore[arg-type]


def moved(order: Sequence[int], pk: int, place: str, before: int | None) -> list[int]:
    """What a list makes of the same move."""
    rest = [one for one in order if one != pk]
    old = order.index(pk)
    at = {"first": 0, "last": len(rest), "up": max(0, old - 1), "down": old + 1}[place]
    if before is not None:
        at = rest.index(before)
    return [*rest[:at], pk, *rest[at:]]


def test_many_moves_are_those_of_a_list() -> None:
    chance = random.Random(24)
    order = [*make_line(2, priority=5), *make_line(3), *make_line(2, priority=-1)]
    for _ in range(MOVES):
        pk, place = chance.choice(order), chance.choice(["first", "last", "up", "down", "before"])
        other = chance.choice([one for one in order if one != pk]) if place == "before" else None
        if (place, pk) in {("up", order[0]), ("down", order[-1])}:
            with pytest.raises(Refused, match="of its queue"):
                put(pk, place)
            continue
        if other is not None:
            put(pk, before=Job.objects.get(pk=other))
        else:
            put(pk, place)
        order = moved(order, pk, "last" if other is not None else place, other)
        assert shown() == order


@pytest.mark.django_db(transaction=True)
def test_movers_at_once_lose_no_job_and_give_no_place_twice() -> None:
    ids = make_line(5)

    def mover(seed: int) -> list[str]:
        chance = random.Random(seed)
        try:
            return [code for _ in range(MOVES // 4) if (code := one(chance))]
        finally:
            connection.close()

    def one(chance: random.Random) -> str:
        """The code of a refusal, or nothing."""
        pk, other = chance.sample(ids, 2)
        try:
            if chance.random() < 0.3:
                put(pk, before=Job.objects.get(pk=other))
            else:
                put(pk, chance.choice(["first", "last", "up", "down"]))
        except Refused as refused:
            return refused.problem.code
        return ""

    with ThreadPoolExecutor(4) as pool:
        refusals = {code for codes in pool.map(mover, range(4)) for code in codes}

    places = list(Job.objects.values_list("priority", "position"))
    assert refusals <= {"first_already", "last_already"}
    assert sorted(shown()) == ids
    assert len(set(places)) == len(ids)


@pytest.mark.parametrize("gap", [pytest.param(0, id="equal positions"), pytest.param(1, id="no number between")])
def test_where_there_is_no_room_it_is_made(gap: int) -> None:
    order = make_line(100)
    first = Job.objects.get(pk=order[0]).position
    for number, pk in enumerate(order):
        Job.objects.filter(pk=pk).update(position=first + number * gap)

    put(order[99], before=Job.objects.get(pk=order[50]))
    put(order[10], "down")

    expected = [*order[:50], order[99], *order[50:99]]
    expected[10:12] = [order[11], order[10]]
    assert shown() == expected


def test_a_hundred_jobs_put_before_the_same_one_keep_their_order() -> None:
    target, *others = make_line(101)

    for pk in others:
        put(pk, before=Job.objects.get(pk=target))

    assert shown() == [*others, target]


def test_a_job_that_is_moved_to_another_queue_keeps_its_params_and_is_last_there() -> None:
    there = [*make_line(2, queue="other"), *make_line(1, queue="other", priority=-7)]
    job = make_job("echo kept", priority=9)

    put(job.pk, queue=Queue.objects.get(name="other"))

    job.refresh_from_db()
    assert shown("other") == [*there, job.pk]
    assert job.params == {"command": "echo kept"}
    assert job.lane.queue.name == "other"
    told = Event.objects.filter(job_id=job.pk).order_by("id").last()
    assert told is not None
    assert told.reason == 'Moved: last. Its priority is now -7. Its queue is now "other".'


def test_held_jobs_have_their_place_in_the_line_as_well() -> None:
    first, second = make_job(is_held=True), make_job()

    put(second.pk, "up")

    assert shown() == [second.pk, first.pk]
    assert Job.objects.get(pk=first.pk).state == JobState.BLOCKED


def test_only_waiting_jobs_are_moved_and_only_before_waiting_jobs_of_the_same_queue() -> None:
    running, waiting, elsewhere = make_job(), make_job(), make_job(queue="other")
    assert move(running, Move(job=running.pk, was=JobState.READY, to=JobState.RUNNING), at=MONDAY_NOON)

    with pytest.raises(Refused, match=f"Job {running.pk} is running; only a waiting job"):
        put(running.pk, "first")
    for other in (running, elsewhere):
        with pytest.raises(Refused, match=f'Job {other.pk} does not wait in queue "anytime".'):
            put(waiting.pk, before=other)
    with pytest.raises(Refused, match="before itself"):
        put(waiting.pk, before=waiting)


def test_a_job_that_somebody_else_has_moved_meanwhile_is_moved_from_where_it_is_now() -> None:
    job, other = make_job(), make_job(queue="other")
    seen_before = Job.objects.get(pk=job.pk)
    put(job.pk, queue=Queue.objects.get(name="other"))

    control.move_to(seen_before, place="up", actor="bob", at=MONDAY_NOON)

    assert shown("other") == [job.pk, other.pk]
