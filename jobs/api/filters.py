"""What a list of jobs may be narrowed by. A value that cannot be meant is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]

from accounts import policy
from accounts.models import User
from hosts.models import Host
from jobs.models import Job, JobState, JobType, Queue
from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.api.fields import moment

Jobs = QuerySet[Job]
ModelClass = type[Model]


class JobFilters(filters.FilterSet):  # type: ignore[misc]
    """By queue, type, host and owner (names), states (with commas between), and time of creation."""

    queue = filters.CharFilter(method="by_queue", help_text="Name of a queue.")
    type = filters.CharFilter(method="by_type", help_text="Name of a job type.")
    host = filters.CharFilter(method="by_host", help_text="Name of the host that was asked for.")
    owner = filters.CharFilter(method="by_owner", help_text="User name.")
    state = filters.CharFilter(method="by_state", help_text="States, with commas between.")
    created_after = filters.CharFilter(method="by_time", help_text="ISO 8601 with an offset; included.")
    created_before = filters.CharFilter(method="by_time", help_text="ISO 8601 with an offset; not included.")

    def by_queue(self, rows: Jobs, name: str, value: str) -> Jobs:
        return rows.filter(queue=self._row(Queue, name, value))

    def by_type(self, rows: Jobs, name: str, value: str) -> Jobs:
        return rows.filter(type=self._row(JobType, name, value))

    def by_host(self, rows: Jobs, name: str, value: str) -> Jobs:
        return rows.filter(host=self._row(Host, name, value))

    def by_owner(self, rows: Jobs, name: str, value: str) -> Jobs:
        owner = User.objects.filter(username=value).first()
        if owner is None:
            raise _unknown(name, value, ())
        return rows.filter(owner=owner)

    def by_state(self, rows: Jobs, name: str, value: str) -> Jobs:
        states = value.split(",")
        for state in states:
            if state not in JobState.values:
                raise _unknown(name, state, JobState.values)
        return rows.filter(state__in=states)

    def by_time(self, rows: Jobs, name: str, value: str) -> Jobs:
        try:
            at = moment(value.replace(" ", "+"))  # a "+" that was not encoded arrives as a space
        except ValueError as problem:
            hint = 'Write it like "2026-01-31T22:00:00Z".'
            raise Problems([Problem("bad_time", str(problem), name, hint)]) from problem
        return rows.filter(created_at__gte=at) if name == "created_after" else rows.filter(created_at__lt=at)

    def _row(self, model: ModelClass, name: str, value: str) -> Any:
        rows = policy.visible(cast(User, self.request.user), model._default_manager.all())
        row = rows.filter(name=value).first()
        if row is None:
            raise _unknown(name, value, rows.values_list("name", flat=True)[:1000])
        return row


def _unknown(field: str, value: str, known: Iterable[str]) -> Problems:
    names = list(known)
    hint = did_you_mean(value[:100], names) if names else ""
    return Problems([Problem(f"unknown_{field}", f'There is no {field} "{value[:100]}".', field, hint)])
