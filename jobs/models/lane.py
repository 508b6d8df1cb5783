from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from hosts.models import Host
from jobs.models.job_type import JobType
from jobs.models.queue import Queue


class Lane(models.Model):
    """One combination of queue, type and requested host.

    Whatever gate is shared by all jobs of a lane is asked once per lane, so a hundred thousand
    waiting jobs cost the dispatcher what one costs.
    """

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="lanes")
    type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="lanes")
    host = models.ForeignKey(Host, on_delete=models.CASCADE, null=True, related_name="lanes")

    class Meta:
        constraints: ClassVar = [
            # Two, because NULLs are distinct to a unique index.
            models.UniqueConstraint(name="lane_once", fields=["queue", "type", "host"]),
            models.UniqueConstraint(name="lane_once_without_host", fields=["queue", "type"], condition=Q(host=None)),
        ]

    def __str__(self) -> str:
        return f"{self.queue_id}/{self.type_id}/{self.host_id or '-'}"
