from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.models import Host
from jobs.models.job import Job
from jobs.models.lane import Lane


class Phase(models.TextChoices):
    """Where an open attempt is."""

    STARTING_HOST = "starting_host", _("starting host")
    STAGING_IN = "staging_in", _("bringing files")
    NEXT_ON_HOST = "next_on_host", _("next on its host")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    UNREACHABLE = "unreachable", _("host unreachable")
    STAGING_OUT = "staging_out", _("fetching files")


class Outcome(models.TextChoices):
    """How an ended attempt ended."""

    EXITED = "exited", _("exited")
    SIGNALLED = "signalled", _("ended by a signal")
    TIMED_OUT = "timed_out", _("over its time limit")
    CANCELLED = "cancelled", _("cancelled")
    KILLED = "killed", _("killed")
    LOST = "lost", _("lost")
    RECALLED = "recalled", _("called off")
    HOST_FAILED = "host_failed", _("host failed")
    STAGE_FAILED = "stage_failed", _("files failed")


class AttemptRequest(models.TextChoices):
    """What somebody has asked of a running attempt and its host has not confirmed yet."""

    NONE = "", _("nothing")
    CANCEL = "cancel", _("cancel")
    KILL = "kill", _("kill")
    PAUSE = "pause", _("pause")
    RESUME = "resume", _("resume")


class Script(models.Model):
    """The text of a command as it was started, kept once however many attempts ran it."""

    digest = models.CharField(max_length=64, primary_key=True)
    text = models.TextField()
    interpreter = models.CharField(max_length=20, blank=True, help_text=_("Empty: the text's own #! line."))

    def __str__(self) -> str:
        return self.digest[:12]


class Attempt(models.Model):
    """One execution of a job on one host.

    `marker` names its run directory on the host and never repeats, so a restored backup cannot
    meet the runs of a later time.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="attempts")
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="attempts")
    script = models.ForeignKey(Script, on_delete=models.PROTECT, null=True, related_name="attempts")
    marker = models.CharField(max_length=60, unique=True)
    after = models.BigIntegerField(
        null=True, help_text=_("The attempt that it was to follow: it takes over that one's seat.")
    )
    phase = models.CharField(max_length=14, choices=Phase, default=Phase.STARTING_HOST)
    request = models.CharField(max_length=8, choices=AttemptRequest, default=AttemptRequest.NONE, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    exit_code = models.IntegerField(null=True)
    signal = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    deaths = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text=_("Engines that died while they had it in hand and it had not begun.")
    )
    is_unconfirmed = models.BooleanField(default=False, help_text=_("Processes of it could not be shown to be gone."))
    claimed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="attempt_one_open_per_job", fields=["job"], condition=Q(finished_at=None)),
            # Beside the one of seats: as many may follow as have a seat.
            models.UniqueConstraint(
                name="attempt_one_open_after_each", fields=["after"], condition=Q(finished_at=None)
            ),
            models.UniqueConstraint(name="attempt_number_once_per_job", fields=["job", "number"]),
            models.CheckConstraint(
                name="attempt_outcome_iff_finished",
                condition=Q(finished_at__isnull=True, outcome="") | Q(~Q(outcome=""), finished_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            # What runs where: asked by every dispatcher pass and every watcher.
            models.Index(fields=["host", "lane"], name="attempt_open", condition=Q(finished_at=None)),
            models.Index(fields=["host"], name="attempt_requested", condition=Q(finished_at=None) & ~Q(request="")),
            # What was given up and may still run: asked at each contact with the host.
            models.Index(fields=["host"], name="attempt_unconfirmed", condition=Q(is_unconfirmed=True)),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}#{self.number}"
