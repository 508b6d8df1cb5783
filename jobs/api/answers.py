"""Jobs as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers

from jobs.models import Attempt, Event, Job, JobState, Outcome, Phase
from jobs.queueing.gates import Blocker


def rows() -> QuerySet[Job]:
    """Jobs with what `job_json` tells about them: two queries, however many jobs."""
    attempts = Prefetch("attempts", Attempt.objects.select_related("host").order_by("number"))
    return Job.objects.select_related("queue", "type", "owner", "host").prefetch_related(attempts)


def job_json(job: Job) -> dict[str, Any]:
    """A job of `rows` as JSON."""
    return {
        "id": job.pk,
        "queue": job.queue.name,
        "type": job.type.name,
        "params": job.params,
        "state": job.state,
        "reason": job.reason,
        "priority": job.priority,
        "owner": job.owner.get_username(),
        "notes": job.notes,
        "held": job.is_held,
        "created_at": utc(job.created_at),
        "not_before": utc(job.not_before),
        "started_at": utc(job.started_at),
        "finished_at": utc(job.finished_at),
        "exit_code": job.exit_code,
        "host": job.host.name if job.host else None,
        "attempts": [attempt_json(attempt) for attempt in job.attempts.all()],
        "progress": None,
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON. `asked` is what somebody wants of it that its host has not confirmed."""
    return {
        "number": attempt.number,
        "host": attempt.host.name,
        "phase": None if attempt.finished_at else attempt.phase,
        "asked": attempt.request or None,
        "outcome": attempt.outcome or None,
        "reason": attempt.reason,
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "started_at": utc(attempt.started_at),
        "finished_at": utc(attempt.finished_at),
    }


def event_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": utc(event.at),
        "was": event.was or None,
        "now": event.now,
        "attempt": event.attempt,
        "actor": event.actor or None,
        "reason": event.reason,
    }


def blockers_json(blockers: list[Blocker], *, is_waiting: bool) -> dict[str, Any]:
    """Why a job waits, as JSON."""
    told = [{"kind": b.kind, "message": b.message, "until": utc(b.until)} for b in blockers]
    return {"startable": is_waiting and not blockers, "blockers": told, "forecast": None}


def utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, always with microseconds, so that texts sort and parse alike."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z") if at else None


class AttemptAnswer(serializers.Serializer[Any]):
    """One execution of a job."""

    number = serializers.IntegerField()
    host = serializers.CharField()
    phase = serializers.ChoiceField(Phase.choices, allow_null=True, help_text="Where an open attempt is.")
    asked = serializers.CharField(allow_null=True, help_text="What is wanted of it and not confirmed yet.")
    outcome = serializers.ChoiceField(Outcome.choices, allow_null=True, help_text="How it ended.")
    reason = serializers.CharField()
    exit_code = serializers.IntegerField(allow_null=True)
    signal = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobAnswer(serializers.Serializer[Any]):
    """One unit of work in a queue."""

    id = serializers.IntegerField()
    queue = serializers.CharField()
    type = serializers.CharField()
    params = serializers.DictField(child=serializers.CharField())
    state = serializers.ChoiceField(JobState.choices)
    reason = serializers.CharField(help_text="Why it is in this state, in words.")
    priority = serializers.IntegerField(help_text="Larger first.")
    owner = serializers.CharField()
    notes = serializers.CharField()
    held = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    not_before = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    host = serializers.CharField(allow_null=True, help_text="The host that was asked for.")
    attempts = AttemptAnswer(many=True)
    progress = serializers.FloatField(allow_null=True)


class EventAnswer(serializers.Serializer[Any]):
    """One line of a job's history."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    was = serializers.CharField(allow_null=True)
    now = serializers.CharField()
    attempt = serializers.IntegerField(allow_null=True)
    actor = serializers.CharField(allow_null=True, help_text="Null: the site itself.")
    reason = serializers.CharField()


class BlockerAnswer(serializers.Serializer[Any]):
    """One thing that keeps a job from starting."""

    kind = serializers.CharField()
    message = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="When it may change; null: on an event.")


class ExplainAnswer(serializers.Serializer[Any]):
    """Why a job waits."""

    startable = serializers.BooleanField()
    blockers = BlockerAnswer(many=True)
    forecast = serializers.JSONField(allow_null=True)
