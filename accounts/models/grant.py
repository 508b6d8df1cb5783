from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

# What a grant may be limited to, each a column of its row. A new kind of thing is a word and a column more.
SCOPES: Final = ("queue", "type", "host", "pool")
# Stands for a host where none is named: the job runs where its type or queue has it.
DEFAULT_HOST: Final = "__default__"


class Permission(models.TextChoices):
    """What a grant lets its holder do. To manage implies to view."""

    SUPER_USER = "SuperUser", _("everything, and to say who may do what")
    CREATE_JOBS = "CreateJobs", _("submit jobs")
    VIEW_JOBS = "ViewJobs", _("see jobs and their output")
    MANAGE_JOBS = "ManageJobs", _("change, move, end, retry and remove jobs")
    VIEW_QUEUES = "ViewQueues", _("see queues")
    MANAGE_QUEUES = "ManageQueues", _("make, change and remove queues")
    VIEW_SCHEDULES = "ViewSchedules", _("see schedules")
    MANAGE_SCHEDULES = "ManageSchedules", _("make, change and remove schedules")
    VIEW_JOB_TYPES = "ViewJobTypes", _("see job types")
    MANAGE_JOB_TYPES = "ManageJobTypes", _("make, change and remove job types")
    VIEW_HOSTS = "ViewHosts", _("see hosts")
    MANAGE_HOSTS = "ManageHosts", _("make, change and remove hosts")
    VIEW_POOLS = "ViewPools", _("see pools")
    MANAGE_POOLS = "ManagePools", _("make, change and remove pools")


_JOB_SCOPES: Final = ("queue", "type", "host")
# What each permission may be limited to. One that is not named here is for all or nothing.
LIMITS: Final[Mapping[str, tuple[str, ...]]] = {
    Permission.CREATE_JOBS: _JOB_SCOPES,
    Permission.VIEW_JOBS: _JOB_SCOPES,
    Permission.MANAGE_JOBS: _JOB_SCOPES,
    Permission.VIEW_QUEUES: ("queue",),
    Permission.MANAGE_QUEUES: ("queue",),
    Permission.VIEW_JOB_TYPES: ("type",),
    Permission.MANAGE_JOB_TYPES: ("type",),
    Permission.VIEW_HOSTS: ("host",),
    Permission.MANAGE_HOSTS: ("host",),
    Permission.VIEW_POOLS: ("pool",),
    Permission.MANAGE_POOLS: ("pool",),
}


def _within_limits() -> Q:
    """Rows that are limited by nothing but what their permission may be limited to."""
    possible = Q()
    for word in Permission.values:
        scopes = LIMITS.get(word, ())
        none_of = {f"{scope}__isnull": True for scope in SCOPES if scope not in scopes}
        if scopes != _JOB_SCOPES:
            none_of["is_default_host"] = False
        possible |= Q(permission=word, **none_of)
    return possible


class Grant(models.Model):
    """Lets a user, or all of a group, do one kind of thing: anywhere, or within all the limits it names.

    Goes with whatever it names: with its user, group, queue, job type, host or pool.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="grants",
        verbose_name=_("user"),
    )  # fmt: skip
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, null=True, blank=True, related_name="grants", verbose_name=_("group")
    )
    permission = models.CharField(_("permission"), max_length=32, choices=[(word, word) for word in Permission.values])
    queue = models.ForeignKey(
        "jobs.Queue", on_delete=models.CASCADE, null=True, blank=True, related_name="grants",
        verbose_name=_("queue"), help_text=_("Empty: any."),
    )  # fmt: skip
    type = models.ForeignKey(
        "jobs.JobType", on_delete=models.CASCADE, null=True, blank=True, related_name="grants",
        verbose_name=_("job type"), help_text=_("Empty: any."),
    )  # fmt: skip
    host = models.ForeignKey(
        "hosts.Host", on_delete=models.CASCADE, null=True, blank=True, related_name="grants",
        verbose_name=_("host"), help_text=_("Of jobs: the one they ask for. Empty: any, and none."),
    )  # fmt: skip
    is_default_host = models.BooleanField(
        _("no host of its own"), default=False, help_text=_("Only jobs that ask for no host.")
    )
    pool = models.ForeignKey(
        "hosts.Pool", on_delete=models.CASCADE, null=True, blank=True, related_name="grants",
        verbose_name=_("pool"), help_text=_("Empty: any."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="grant_user_or_group",
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                violation_error_message=_("A grant is for a user or for a group."),
            ),
            models.CheckConstraint(
                name="grant_host_or_default",
                condition=Q(host=None) | Q(is_default_host=False),
                violation_error_message=_("A grant names a host, or is for jobs without one, not both."),
            ),
            models.CheckConstraint(
                name="grant_limits_possible", condition=_within_limits(),
                violation_error_message=_("This permission cannot be limited to that."),
            ),
            # With 0 for what is empty, because NULLs are distinct to a unique index.
            models.UniqueConstraint(
                *(Coalesce(F(name), Value(0)) for name in ("user", "group", *SCOPES)), "permission", "is_default_host",
                name="grant_once", violation_error_message=_("There is such a grant already."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        limits = ", ".join(f"{name} {value}" for name, value in self.limits().items())
        return f"{self.holder}: {self.permission}{f' ({limits})' if limits else ''}"

    @property
    def holder(self) -> str:
        """Whom it is for, in words."""
        return self.user.get_username() if self.user else f"group {self.group}"

    def limits(self) -> dict[str, str]:
        """The names of what it is limited to, by scope."""
        named = {name: str(getattr(self, name)) for name in SCOPES if getattr(self, f"{name}_id") is not None}
        return {**named, "host": DEFAULT_HOST} if self.is_default_host else named
