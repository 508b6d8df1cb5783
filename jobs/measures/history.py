"""How figures were over a period, and how they are now."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery

from jobs.measures.sampling import LOOKS
from jobs.models import Point, Series

MOST_SERIES: Final = 1_000
MOST_POINTS: Final = 100_000
# Without a look for so long it is not known what was.
BLIND: Final = timedelta(minutes=3)

Values = list[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A figure over a period: each value holds until the next moment."""

    name: str
    points: Values

    def at(self, moment: datetime) -> float | None:
        """The value at that moment; None before the first."""
        place = bisect_right(self.points, moment, key=lambda point: point[0])
        return self.points[place - 1][1] if place else None


class TooMany(Exception):
    """The answer would be too long."""


def chosen(*, name: str = "", prefix: str = "") -> QuerySet[Series]:
    """The figures of that name, or whose names begin so; without either, all."""
    rows = Series.objects.exclude(name=LOOKS)
    return rows.filter(name=name) if name else rows.filter(name__startswith=prefix)


def lines(series: QuerySet[Series], *, begin: datetime, end: datetime) -> list[Line]:
    """The figures from `begin` to `end`, by name. Raises TooMany."""
    before = Point.objects.filter(series=OuterRef("pk"), at__lte=begin).order_by("-at").values("value")[:1]
    rows = list(series.annotate(before=Subquery(before)).order_by("name")[: MOST_SERIES + 1])
    if len(rows) > MOST_SERIES:
        raise TooMany(f"These are more than {MOST_SERIES} figures.")
    within = Point.objects.filter(series__in=[row.pk for row in rows], at__gt=begin, at__lte=end).order_by("at")
    found: dict[int, Values] = defaultdict(list)
    for pk, at, value in within.values_list("series_id", "at", "value")[: MOST_POINTS + 1]:
        found[pk].append((at, value))
    if sum(map(len, found.values())) > MOST_POINTS:
        raise TooMany(f"These are more than {MOST_POINTS} values.")
    return [Line(row.name, [*_first(row.before, begin), *found[row.pk]]) for row in rows]


def _first(before: float | None, begin: datetime) -> Values:
    return [] if before is None else [(begin, before)]


def looks(*, begin: datetime, end: datetime) -> list[datetime]:
    """The moments of a period at which somebody looked; its begin as well, if it was known then how things were."""
    rows = Point.objects.filter(series__name=LOOKS)
    is_known = rows.filter(at__gt=begin - BLIND, at__lte=begin).exists()
    within = rows.filter(at__gt=begin, at__lte=end).order_by("at").values_list("at", flat=True)
    return [*([begin] if is_known else []), *within[: MOST_POINTS + 1]]


def last_look() -> datetime | None:
    """When somebody looked last; None if nobody has yet."""
    return Series.objects.filter(name=LOOKS).values_list("changed_at", flat=True).first()


def gaps(*, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The parts of a period in which nobody looked."""
    looks = Point.objects.filter(series__name=LOOKS, at__gte=begin, at__lte=end).order_by("at")
    moments = [begin, *looks.values_list("at", flat=True), end]
    return [(first, second) for first, second in itertools.pairwise(moments) if second - first > BLIND]
