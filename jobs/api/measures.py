"""The figures of the site, now and over a period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from jobs.measures.history import MOST_SERIES, TooMany, chosen, lines
from jobs.problems import Problem, Problems
from scheduler_site.api.fields import moment
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller

LONGEST: Final = timedelta(days=3660)
WORDS: Final = ("name", "prefix", "from", "to", "last")


class PointAnswer(serializers.Serializer[Any]):
    """A value that holds until the next."""

    at = serializers.DateTimeField()
    value = serializers.FloatField()


class FigureAnswer(serializers.Serializer[Any]):
    """A figure: without a period its value now, with one how it was."""

    name = serializers.CharField()
    value = serializers.FloatField(required=False, help_text="Without a period: the value now.")
    changed_at = serializers.DateTimeField(required=False, help_text="Without a period: since when.")
    points = PointAnswer(many=True, required=False, help_text="With a period; the first is the value at its begin.")


class MeasuresAnswer(serializers.Serializer[Any]):
    """Figures by name."""

    results = FigureAnswer(many=True)


class MetricsView(APIView):
    """The figures of the site."""

    @extend_schema(
        operation_id="metrics",
        parameters=[
            OpenApiParameter("name", str, description="The whole name."),
            OpenApiParameter("prefix", str, description="How the name begins."),
            OpenApiParameter("from", str, description="Begin of the period: ISO 8601 with an offset."),
            OpenApiParameter("to", str, description="Its end. Default: now."),
            OpenApiParameter("last", int, description="Instead of both: so many seconds until now."),
        ],
        responses=MeasuresAnswer,
    )
    def get(self, request: Request) -> Response:
        """Now, or over a period: by name."""
        policy.require_super(caller(request))
        asked = request.query_params
        check_words(asked, WORDS)
        period = _period(asked, at=timezone.now())
        rows = chosen(name=asked.get("name", ""), prefix=asked.get("prefix", ""))
        try:
            return Response({"results": _now(rows) if period is None else _then(rows, period)})
        except TooMany as error:
            hint = "Ask for a name, a longer prefix or a shorter period."
            raise Problems([Problem("too_long", str(error), "prefix", hint)]) from error


def _now(rows: Any) -> list[dict[str, Any]]:
    found = list(rows.order_by("name")[: MOST_SERIES + 1])
    if len(found) > MOST_SERIES:
        raise TooMany(f"These are more than {MOST_SERIES} figures.")
    return [{"name": row.name, "value": row.value, "changed_at": row.changed_at} for row in found]


def _then(rows: Any, period: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    found = lines(rows, begin=period[0], end=period[1])
    return [{"name": one.name, "points": [{"at": at, "value": value} for at, value in one.points]} for one in found]


def _period(asked: Any, *, at: datetime) -> tuple[datetime, datetime] | None:
    """Begin and end; None if none is asked for. Raises Problems."""
    if "last" in asked:
        if "from" in asked or "to" in asked:
            raise Problems([Problem("two_periods", 'A period is "last", or "from" and "to", not both.', "last")])
        return at - _seconds(asked["last"]), at
    if "from" not in asked:
        if "to" in asked:
            raise Problems([Problem("required", "A period that has an end needs a begin.", "from")])
        return None
    begin, end = _moment(asked, "from"), _moment(asked, "to") if "to" in asked else at
    if begin > end:
        raise Problems([Problem("out_of_range", "This period ends before it begins.", "to")])
    return begin, end


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and timedelta(seconds=int(text)) <= LONGEST):
        raise Problems(
            [Problem("out_of_range", f'"{text[:40]}" is no number of seconds that can be asked for.', "last")]
        )
    return timedelta(seconds=int(text))


def _moment(asked: Any, key: str) -> datetime:
    try:
        return moment(asked[key])
    except ValueError as problem:
        hint = 'Write it like "2026-01-31T22:00:00Z".'
        raise Problems([Problem("bad_time", str(problem), key, hint)]) from problem
