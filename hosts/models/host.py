from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.names import validate_name


class TransportKind(models.TextChoices):
    """How commands reach a host."""

    LOCAL = "local", _("this machine")
    SSH = "ssh", _("SSH")


class HostState(models.TextChoices):
    """What is known about a host: changed only by the engine that owns it."""

    UNKNOWN = "unknown", _("not tried yet")
    STARTING = "starting", _("starting")
    ON = "on", _("on")
    UNREACHABLE = "unreachable", _("unreachable")


class Host(models.Model):
    """A machine that runs jobs, and how to reach it.

    Only the engine that holds the host's `Ownership` changes `state` and what stands below it.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("A disabled host starts no new jobs; what runs there goes on.")
    )
    transport = models.CharField(
        _("transport"), max_length=10, choices=TransportKind, default=TransportKind.SSH,
        help_text=_("This machine: commands run under the account of the engine. SSH: they run on another machine."),
    )  # fmt: skip
    address = models.CharField(
        _("address"),
        max_length=253,
        blank=True,
        help_text=_("Host name or IP address, without user or port. SSH only."),
    )
    port = models.PositiveIntegerField(
        _("port"), default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    user = models.CharField(_("user"), max_length=64, blank=True, help_text=_("Account to log in to. SSH only."))
    key = models.CharField(
        _("key"), max_length=100, blank=True,
        help_text=_("Name of a private key file in the site's key directory (<data>/keys, mode 0600). SSH only."),
    )  # fmt: skip
    host_keys = models.TextField(
        _("host keys"), blank=True,
        help_text=_("Public keys that the host may show, one per line: type and base64. check_host shows them."),
    )  # fmt: skip
    seats = models.PositiveIntegerField(
        _("seats"), default=1, validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text=_("How many jobs may run on it at once."),
    )  # fmt: skip
    directory = models.CharField(
        _("directory"), max_length=500, blank=True,
        help_text=_("Where runs are kept on the host. Empty: ~/.batchyard (SSH) or the site's data directory."),
    )  # fmt: skip
    input_directory = models.CharField(
        _("input directory"),
        max_length=500,
        blank=True,
        help_text=_("Where input files are put. Empty: beside the run."),
    )
    output_directory = models.CharField(
        _("output directory"), max_length=500, blank=True,
        help_text=_("Where commands write output files to be fetched. Empty: beside the run."),
    )  # fmt: skip
    startup_commands = models.TextField(
        _("startup commands"), blank=True,
        help_text=_("A shell script run once after each boot, before the first job. If it fails, no job starts."),
    )  # fmt: skip
    variables = models.JSONField(
        _("variables"), default=dict, blank=True,
        help_text=_("Values by name for templates; they win over the site's and lose to the job's parameters."),
    )  # fmt: skip

    state = models.CharField(_("state"), max_length=12, choices=HostState, default=HostState.UNKNOWN, editable=False)
    state_since = models.DateTimeField(_("since"), null=True, editable=False)
    state_reason = models.CharField(_("reason"), max_length=500, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text=_("Failed contacts in a row."))
    retry_at = models.DateTimeField(null=True, editable=False, help_text=_("When contact is tried again."))
    boot_id = models.CharField(max_length=40, blank=True, editable=False)
    prepared_boot_id = models.CharField(
        max_length=40, blank=True, editable=False, help_text=_("Boot for which the startup commands have succeeded.")
    )

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="host_state_known", condition=Q(state__in=HostState.values)),
            models.CheckConstraint(name="host_transport_known", condition=Q(transport__in=TransportKind.values)),
            models.CheckConstraint(name="host_seats_positive", condition=Q(seats__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name
