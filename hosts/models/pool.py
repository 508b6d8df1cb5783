from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hosts.models.host import Host
from hosts.names import validate_name


class Pool(models.Model):
    """An ordered set of hosts: a job may run on any of them, the first with a free seat."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(_("title"), max_length=200, blank=True)
    hosts = models.ManyToManyField(Host, through="hosts.PoolMember", related_name="pools")

    class Meta:
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    """A host's place in a pool."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="members")
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="memberships")
    position = models.PositiveIntegerField(_("position"), default=0, help_text=_("Smaller is tried first."))

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [models.UniqueConstraint(name="pool_member_once", fields=["pool", "host"])]

    def __str__(self) -> str:
        return f"{self.pool}: {self.host}"
