from __future__ import annotations

from typing import ClassVar

from django.db import models


class Series(models.Model):
    """A figure of the site under its name, with the value that it has now.

    Written once a minute by one engine (jobs.measures), together with a `Point` whenever the value has changed.
    """

    name = models.CharField(max_length=200, unique=True, help_text="Such as queue.nightly.jobs.ready.")
    value = models.FloatField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "series"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Point(models.Model):
    """The value that a figure had from this moment until its next point."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="points", db_index=False)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(name="point_once", fields=["series", "at"])]
        indexes: ClassVar = [models.Index(fields=["at"], name="point_at")]

    def __str__(self) -> str:
        return f"{self.series_id}: {self.value}"


class WebProcess(models.Model):
    """A web process, as it last reported itself, by the database's clock."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()
    memory_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name
