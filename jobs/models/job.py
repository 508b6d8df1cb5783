from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.models import Host
from jobs.models.job_type import JobType
from jobs.models.lane import Lane
from jobs.models.queue import Queue


class JobState(models.TextChoices):
    """The only states of a job. Why it is in one is text from the gates, not more states."""

    BLOCKED = "blocked", _("blocked")
    READY = "ready", _("ready")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    SKIPPED = "skipped", _("skipped")

    @classmethod
    def final(cls) -> frozenset[JobState]:
        """States that change only by a recorded command."""
        return FINAL

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED})


class Job(models.Model):
    """One unit of work in a queue: a command and when it may run.

    blocked <-> ready -> running -> succeeded | failed | cancelled | skipped

    Only jobs.queueing.states changes `state`.
    """

    queue = models.ForeignKey(
        Queue, on_delete=models.PROTECT, related_name="jobs", db_index=False, verbose_name=_("queue")
    )
    type = models.ForeignKey(
        JobType, on_delete=models.PROTECT, related_name="jobs", db_index=False, verbose_name=_("type")
    )
    host = models.ForeignKey(
        Host, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs", db_index=False,
        verbose_name=_("host"), help_text=_("Asked for by whoever submitted it."),
    )  # fmt: skip
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="jobs", db_index=False, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="jobs",
        db_index=False,
        verbose_name=_("owner"),
    )
    state = models.CharField(_("state"), max_length=10, choices=JobState, editable=False)
    reason = models.CharField(
        _("reason"), max_length=500, blank=True, editable=False, help_text=_("Why it is in this state, in words.")
    )
    params = models.JSONField(_("parameters"), default=dict, help_text=_("Text by name, every declared name."))
    notes = models.TextField(_("notes"), blank=True)
    priority = models.IntegerField(_("priority"), default=0, help_text=_("Larger first."))
    position = models.BigIntegerField(
        editable=False, help_text=_("Place among equals: from the time of submission; moving changes it.")
    )
    not_before = models.DateTimeField(_("not before"), null=True, blank=True, help_text=_("It never starts earlier."))
    is_held = models.BooleanField(_("held"), default=False, help_text=_("Does not start until it is released."))
    retry_at = models.DateTimeField(null=True, editable=False, help_text=_("A retry does not start earlier."))
    wake_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When a blocked job's own gates are asked again. Empty: on an event.")
    )
    tries = models.PositiveIntegerField(default=0, editable=False, help_text=_("Attempts made; counted when claimed."))
    failures = models.PositiveIntegerField(default=0, editable=False, help_text=_("Attempts that failed, for on_fail."))
    exit_code = models.IntegerField(_("exit code"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)
    ready_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When it last became ready: only its lane has kept it waiting since.")
    )
    started_at = models.DateTimeField(
        _("started"), null=True, editable=False, help_text=_("Start of the last attempt.")
    )
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    idempotency_key = models.CharField(max_length=200, null=True, editable=False)
    request_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_finished_at_iff_final",
                condition=Q(state__in=sorted(FINAL), finished_at__isnull=False)
                | Q(~Q(state__in=sorted(FINAL)), finished_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="job_idempotency_key_once_per_owner",
                fields=["owner", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            # The dispatcher's only question. Partial, so finished and blocked jobs cost nothing.
            models.Index(
                "lane", models.F("priority").desc(), "position", "id",
                name="job_next_ready", condition=Q(state=JobState.READY),
            ),
            # Whose moment has come to be looked at again.
            models.Index(fields=["wake_at"], name="job_to_wake", condition=Q(state=JobState.BLOCKED)),
            # A queue's line, page by page. Finished jobs cost nothing.
            models.Index(
                "queue", models.F("priority").desc(), "position", "id",
                name="job_in_line", condition=Q(finished_at__isnull=True),
            ),
            # Lists of the newest, by what they may be narrowed by. They stand in for those of the foreign keys.
            models.Index(fields=["lane", "-id"], name="job_of_lane"),
            models.Index(fields=["queue", "-id"], name="job_in_queue"),
            models.Index(fields=["type", "-id"], name="job_of_type"),
            models.Index(fields=["host", "-id"], name="job_for_host", condition=Q(host__isnull=False)),
            models.Index(fields=["owner", "-id"], name="job_of_owner"),
            models.Index(fields=["state", "-id"], name="job_in_state"),
            models.Index(fields=["queue", "state", "-id"], name="job_of_queue"),
            models.Index(fields=["created_at", "id"], name="job_created"),
            # How long the oldest has been ready, queue by queue.
            models.Index(fields=["queue", "ready_at"], name="job_ready_since", condition=Q(state=JobState.READY)),
            # Retention asks for the oldest finished jobs of a queue.
            models.Index(fields=["queue", "finished_at"], name="job_finished", condition=Q(finished_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk}"
