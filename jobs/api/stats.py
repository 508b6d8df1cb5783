"""What attempts came to, day by day: also of jobs that are gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from jobs.models import Job, Statistic
from jobs.problems import Problem, Problems, did_you_mean
from jobs.tallies import statistics
from jobs.tallies.statistics import DIMENSIONS, GROUPS_LIMIT, NAMED, PERCENTS, Figures, Times
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller

DAYS_DEFAULT: Final = 30
DAYS_LIMIT: Final = 3660
PERIOD: Final = [
    OpenApiParameter("since", date, description=f"First day, in UTC. Default: {DAYS_DEFAULT} days in all."),
    OpenApiParameter("until", date, description="Last day. Default: today."),
    OpenApiParameter("by", str, description=f"Comma list of what rows are told apart by: {', '.join(DIMENSIONS)}."),
]
FILTERS: Final = [OpenApiParameter(name, str, description=f"Only of the {name} of this name.") for name in NAMED]


class TimesAnswer(serializers.Serializer[Any]):
    """How long it took, in seconds. Percentiles are exact to a bucket of a histogram."""

    sum = serializers.FloatField()
    mean = serializers.FloatField()
    p50 = serializers.FloatField()
    p90 = serializers.FloatField()
    p99 = serializers.FloatField()
    max = serializers.FloatField()


class FiguresAnswer(serializers.Serializer[Any]):
    """What the attempts of a group came to. A thing that is gone is told by its number: `#17`."""

    day = serializers.DateField(required=False, help_text="On which they ended, in UTC.")
    queue = serializers.CharField(required=False)
    type = serializers.CharField(required=False)
    host = serializers.CharField(required=False, help_text="Where they ran.")
    owner = serializers.CharField(required=False)
    count = serializers.IntegerField()
    outcomes = serializers.DictField(
        child=serializers.IntegerField(), help_text="`succeeded`, `failed` (another exit code), or what ended them."
    )
    wait_seconds = TimesAnswer(help_text="From being ready to the start of the command.")
    run_seconds = TimesAnswer(help_text="From the start of the command to its end.")


class StatsAnswer(serializers.Serializer[Any]):
    """Statistics of some days."""

    since = serializers.DateField()
    until = serializers.DateField()
    by = serializers.ListField(child=serializers.CharField())
    results = FiguresAnswer(many=True)


class StatsView(GenericAPIView[Statistic]):
    """Statistics of everything that the caller may see."""

    @extend_schema(parameters=[*PERIOD, *FILTERS], responses=StatsAnswer)
    def get(self, request: Request) -> Response:
        """By queue unless something else is asked for."""
        user, asked = caller(request), request.query_params
        policy.require(user, "view", Job)
        check_words(asked, ["since", "until", "by", *NAMED])
        rows = statistics.named(policy.statistics(user), {name: asked[name] for name in NAMED if name in asked})
        return Response(stats_json(rows, asked, by="queue"))


def stats_json(rows: QuerySet[Statistic], asked: QueryDict, *, by: str) -> dict[str, Any]:
    """The answer for `rows`, of the days and by the dimensions that are asked for. Raises Problems."""
    since, until = _period(asked)
    dimensions = _dimensions(asked.get("by", by))
    try:
        found = statistics.figures(statistics.of_days(rows, since=since, until=until), by=dimensions)
    except statistics.TooMany as error:
        message = f"That would be more than {GROUPS_LIMIT} rows."
        raise Problems([Problem("too_many", message, "by", "Ask for fewer days, or for less at once.")]) from error
    results = [_figures_json(one) for one in found]
    return {"since": since.isoformat(), "until": until.isoformat(), "by": dimensions, "results": results}


def _period(asked: QueryDict) -> tuple[date, date]:
    until = _day(asked, "until") or timezone.now().date()
    since = _day(asked, "since") or until - timedelta(days=DAYS_DEFAULT - 1)
    if not 0 <= (until - since).days < DAYS_LIMIT:
        hint = f"At most {DAYS_LIMIT} days, the first before the last."
        raise Problems([Problem("out_of_range", f"{since} to {until} is no possible period.", "since", hint)])
    return since, until


def _day(asked: QueryDict, field: str) -> date | None:
    text = asked.get(field)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        message = f"{text[:40]!r} is not a day."
        raise Problems([Problem("bad_time", message, field, 'Write it like "2026-01-31".')]) from error
    if not 2000 <= day.year <= 9000:
        raise Problems([Problem("out_of_range", f"{day} is out of range.", field, "Possible: 2000 to 9000.")])
    return day


def _dimensions(text: str) -> list[str]:
    words = list(dict.fromkeys(text.split(",")))
    unknown = [word for word in words if word not in DIMENSIONS]
    if unknown:
        message = f'"{unknown[0][:40]}" is nothing that statistics are kept by.'
        raise Problems([Problem("unknown_word", message, "by", did_you_mean(unknown[0][:40], DIMENSIONS))])
    return words


def _figures_json(one: Figures) -> dict[str, Any]:
    return {
        **one.names,
        "count": one.count,
        "outcomes": one.outcomes,
        "wait_seconds": _times_json(one.waited),
        "run_seconds": _times_json(one.ran),
    }


def _times_json(times: Times) -> Mapping[str, float]:
    told = {"sum": times.total_seconds, "mean": times.mean_seconds}
    told |= {f"p{percent}": times.percentile(percent) for percent in PERCENTS}
    return {name: round(seconds, 6) for name, seconds in (told | {"max": times.max_seconds}).items()}
