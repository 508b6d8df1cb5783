from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from hosts.models import Host
from hosts.names import validate_name


class OnFail(models.TextChoices):
    """What follows a failed attempt."""

    CONTINUE = "continue", _("continue: the job has failed")
    RETRY = "retry", _("retry")


class RetryWhen(models.TextChoices):
    """Where a job that is to be retried stands in its queue."""

    NOW = "now", _("now: before the others")
    LATER = "later", _("later: behind those that wait now")


class Syntax(models.TextChoices):
    """How a template names its parameters."""

    SHELL = "shell", "$name"
    BRACES = "braces", "{name}"


class JobType(models.Model):
    """A command template and its declared parameters, and what to do when it fails."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(_("title"), max_length=200, blank=True)
    template = models.TextField(
        _("template"),
        help_text=_("The command, or a script with its own #! line. $name stands for a parameter's value as one word."),
    )
    syntax = models.CharField(_("syntax"), max_length=10, choices=Syntax, default=Syntax.SHELL)
    on_fail = models.CharField(_("on failure"), max_length=10, choices=OnFail, default=OnFail.CONTINUE)
    retry_when = models.CharField(_("retry"), max_length=10, choices=RetryWhen, default=RetryWhen.NOW)
    retry_count = models.PositiveIntegerField(
        _("retries"),
        default=1,
        validators=[MaxValueValidator(1000)],
        help_text=_("At most so many after the first attempt."),
    )
    retry_delay_seconds = models.PositiveIntegerField(
        _("retry delay"), default=0, validators=[MaxValueValidator(30 * 86400)], help_text=_("Seconds before a retry.")
    )
    host = models.ForeignKey(
        Host, on_delete=models.PROTECT, null=True, blank=True, related_name="job_types", verbose_name=_("host"),
        help_text=_("Where its jobs run unless the job names a host. Wins over the queue's."),
    )  # fmt: skip
    max_running = models.PositiveIntegerField(
        _("most at once"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("How many jobs of this type may run at once, in all queues together."),
    )  # fmt: skip
    time_limit_seconds = models.PositiveIntegerField(
        _("time limit"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(366 * 86400)],
        help_text=_("Seconds after which an attempt is ended and has failed. Empty: none."),
    )  # fmt: skip
    grace_seconds = models.PositiveIntegerField(
        _("grace"), default=10, validators=[MaxValueValidator(3600)],
        help_text=_("Seconds between asking a command to end (TERM) and ending it (KILL)."),
    )  # fmt: skip
    lost_after_seconds = models.PositiveIntegerField(
        _("lost after"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(366 * 86400)],
        help_text=_("Seconds without contact to its host after which an attempt is given up as lost. Empty: never."),
    )  # fmt: skip
    environment = models.JSONField(
        _("environment"), default=dict, blank=True, help_text=_("Environment variables of the command, by name.")
    )
    directory = models.CharField(
        _("directory"),
        max_length=500,
        blank=True,
        help_text=_("Working directory on the host. Empty: the account's home."),
    )

    class Meta:
        verbose_name = _("job type")
        verbose_name_plural = _("job types")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Parameter(models.Model):
    """One declared input of a job type. The rules are `jobs.parameters`."""

    class Type(models.TextChoices):
        STRING = "String", _("text")
        INT = "Int", _("whole number")
        BOOLEAN = "Boolean", _("yes or no")
        CHOICE = "Choice", _("one of a list")
        INPUT_FILE = "InputFile", _("input file")
        OUTPUT_FILE = "OutputFile", _("output file")
        SECRET = "Secret", _("secret")

    job_type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="parameters")
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=64)
    type = models.CharField(_("type"), max_length=12, choices=Type, default=Type.STRING)
    title = models.CharField(_("title"), max_length=200, blank=True)
    default = models.TextField(_("default"), null=True, blank=True)
    required = models.BooleanField(_("required"), default=False)
    choices = models.JSONField(_("choices"), default=list, blank=True, help_text=_("The list of values, for a Choice."))

    class Meta:
        verbose_name = _("parameter")
        verbose_name_plural = _("parameters")
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="parameter_name_once_per_type", fields=["job_type", "name"])
        ]

    def __str__(self) -> str:
        return self.name
