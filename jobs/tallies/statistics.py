"""Reads the daily statistics: sums and percentiles, by whatever people ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Max, Model, QuerySet, Sum

from accounts.models import User
from hosts.models import Host
from jobs.models import JobType, Queue, Statistic
from jobs.tallies.daily import BOUNDS

NAMED: Final[Mapping[str, tuple[type[Model], str]]] = {
    "queue": (Queue, "name"),
    "type": (JobType, "name"),
    "host": (Host, "name"),
    "owner": (User, "username"),
}
DIMENSIONS: Final = ("day", *NAMED)
PERCENTS: Final = (50, 90, 99)
GROUPS_LIMIT: Final = 10_000

Key = tuple[Any, ...]


class TooMany(Exception):
    """The answer would have more than GROUPS_LIMIT rows."""


@dataclass(slots=True)
class Times:
    """How long something took, over some attempts, in seconds. `buckets`: how many, by upper bound."""

    total_seconds: float = 0.0
    max_seconds: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    @property
    def mean_seconds(self) -> float:
        return self.total_seconds / self.count if self.count else 0.0

    def percentile(self, percent: int) -> float:
        """What so many of a hundred did not exceed: exact to the bucket, and even within it."""
        wanted, below = self.count * percent / 100, 0
        for lower, upper in zip((0, *BOUNDS[:-1]), BOUNDS, strict=True):
            inside = self.buckets.get(upper, 0)
            if inside and below + inside >= wanted:
                top = min(float(upper), self.max_seconds)
                # Rounded, the sum may be a hair above its end.
                return min(top, lower + (top - lower) * (wanted - below) / inside) if top > lower else top
            below += inside
        return self.max_seconds


@dataclass(slots=True)
class Figures:
    """What the attempts of one group came to. `names`: what they have in common, by dimension."""

    names: dict[str, str]
    outcomes: dict[str, int] = field(default_factory=dict)
    waited: Times = field(default_factory=Times)
    ran: Times = field(default_factory=Times)

    @property
    def count(self) -> int:
        return sum(self.outcomes.values())


def of_days(rows: QuerySet[Statistic], *, since: date, until: date) -> QuerySet[Statistic]:
    """Those of `rows` about these days, both included."""
    return rows.filter(day__gte=since, day__lte=until)


def named(rows: QuerySet[Statistic], names: Mapping[str, str]) -> QuerySet[Statistic]:
    """Those of `rows` about the things of these names. None for a name that nothing has."""
    for dimension, name in names.items():
        model, column = NAMED[dimension]
        rows = rows.filter(**{f"{dimension}__in": model._default_manager.filter(**{column: name}).values("pk")})
    return rows


def figures(rows: QuerySet[Statistic], *, by: Sequence[str]) -> list[Figures]:
    """One for each group of `rows`, in order of their names. In three queries and one for each dimension.

    Raises TooMany.
    """
    found: dict[Key, Figures] = defaultdict(lambda: Figures({}))
    plain = rows.order_by()
    sums = plain.values(*by, "outcome").annotate(
        n=Sum("count"), waited=Sum("waited_us"), waited_max=Max("waited_max_us"), ran=Sum("ran_us"),
        ran_max=Max("ran_max_us"),
    )  # fmt: skip
    for row in sums:
        one = found[tuple(row[name] for name in by)]
        one.outcomes[row["outcome"]] = row["n"]
        for times, word in ((one.waited, "waited"), (one.ran, "ran")):
            times.total_seconds += row[word] / 1e6
            times.max_seconds = max(times.max_seconds, row[f"{word}_max"] / 1e6)
        if len(found) > GROUPS_LIMIT:
            raise TooMany
    for word in ("waited", "ran"):
        for row in plain.values(*by, f"{word}_bucket").annotate(n=Sum("count")):
            times = getattr(found[tuple(row[name] for name in by)], word)
            times.buckets[row[f"{word}_bucket"]] = row["n"]
    return _with_names(found, by)


def _with_names(found: Mapping[Key, Figures], by: Sequence[str]) -> list[Figures]:
    known = {name: _names(name, {key[place] for key in found}) for place, name in enumerate(by) if name in NAMED}
    for key, one in found.items():
        one.names = {name: _name(known.get(name), value) for name, value in zip(by, key, strict=True)}
    return sorted(found.values(), key=lambda one: tuple(one.names.values()))


def _names(dimension: str, ids: Collection[int]) -> Mapping[int, str]:
    model, column = NAMED[dimension]
    return dict(model._default_manager.filter(pk__in=ids).values_list("pk", column))


def _name(known: Mapping[int, str] | None, value: Any) -> str:
    """A day as it is; a thing by its name, or by its number if it is gone."""
    return str(value) if known is None else known.get(value, f"#{value}")


def every_day(found: Iterable[Figures], *, since: date, until: date) -> list[Figures]:
    """`found`, which are by day, with empty ones for days on which nothing ended."""
    known = {one.names["day"]: one for one in found}
    days = (since + timedelta(days=n) for n in range((until - since).days + 1))
    return [known.get(day.isoformat(), Figures({"day": day.isoformat()})) for day in days]
