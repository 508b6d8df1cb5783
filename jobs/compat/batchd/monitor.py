"""Figures of the site in batchd's shapes: as they are now, as they were last, and over a period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from jobs.compat.batchd.edge import BatchdView
from jobs.compat.batchd.figures import Figure, Reading, current, kept, of_queues, over
from jobs.compat.batchd.shapes import utc
from jobs.measures.history import TooMany, last_look
from jobs.problems import Problem, Problems
from scheduler_site.api.views import caller

LONGEST: Final = timedelta(days=3660)
PERIOD_HINT: Final = 'Possible: "last" in seconds, or "from" and "to" like 2026-01-31T22:00:00.'


class CurrentView(BatchdView):
    """The figures whose names begin with a prefix: a list."""

    def get(self, request: Request, prefix: str = "") -> Response:
        return Response(self.told([one for one in current(caller(request)) if one.name.startswith(prefix)]))

    def told(self, found: list[Reading]) -> Any:
        at = timezone.now()
        return [_record(one, at) for one in found]


class CurrentTreeView(CurrentView):
    """The same as objects in objects, one for each part of the names."""

    def told(self, found: list[Reading]) -> Any:
        tree: dict[str, Any] = {}
        for one in found:
            _put(tree, one.name, _leaf(one))
        return tree


class LastView(BatchdView):
    """A figure as the last look found it, in objects by the parts of its name."""

    def get(self, request: Request, name: str) -> Response:
        figures = [one for one in kept(caller(request), prefix=name) if one.name == name]
        at = last_look()
        found = over(figures, begin=at, end=at) if at else []
        if not found:
            raise policy.Missing(Problem("not_found", f'There is no figure "{name[:200]}".'))
        tree: dict[str, Any] = {}
        _put(tree, name, _record(found[0][1], found[0][0]))
        return Response(tree)


class QueryView(BatchdView):
    """The figures whose names begin with a prefix, over a period: a record for each look."""

    def get(self, request: Request, prefix: str) -> Response:
        found = _found(request, kept(caller(request), prefix=prefix))
        return Response([_record(one, at) for at, one in found])


class JobCountsView(BatchdView):
    """How many jobs each queue had in each status, over a period."""

    def get(self, request: Request) -> Response:
        found = _found(request, list(of_queues(caller(request))))
        return Response([_count(one, at) for at, one in found])


def _found(request: Request, figures: list[Figure]) -> list[tuple[datetime, Reading]]:
    begin, end = _period(request, at=timezone.now())
    try:
        return over(figures, begin=begin, end=end)
    except TooMany as error:
        raise Problems(
            [Problem("too_long", str(error), None, "Ask for a longer prefix or a shorter period.")]
        ) from error


def _period(request: Request, *, at: datetime) -> tuple[datetime, datetime]:
    """Begin and end. Raises Problems."""
    asked = request.query_params
    keys = set(asked) & {"last", "from", "to"}
    if keys == {"last"}:
        return at - _seconds(asked["last"]), at
    if keys in ({"from"}, {"from", "to"}):
        return _moment(asked["from"], "from"), _moment(asked["to"], "to") if "to" in keys else at
    raise Problems([Problem("required", "The address does not say which period.", "last", PERIOD_HINT)])


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and timedelta(seconds=int(text)) <= LONGEST):
        raise Problems([Problem("out_of_range", f'"{text[:40]}" is no number of seconds.', "last", PERIOD_HINT)])
    return timedelta(seconds=int(text))


def _moment(text: str, field: str) -> datetime:
    """Without an offset: by the site's own clock, as batchd reads it."""
    try:
        at = datetime.fromisoformat(text) if text.isascii() and "T" in text[:40] else None
    except ValueError:
        at = None
    if at is None or not 1970 < at.year < 9000:
        raise Problems([Problem("bad_time", f'"{text[:40]}" is not a time.', field, PERIOD_HINT)])
    return at if at.tzinfo else timezone.make_aware(at, timezone.get_default_timezone())


# --- shapes ---


def _record(one: Reading, at: datetime) -> dict[str, Any]:
    return {
        "name": one.name, "time": utc(at), "daemon": "Both", "kind": one.kind, "value": one.value, "text": one.text,
        **_distribution(one),
    }  # fmt: skip


def _leaf(one: Reading) -> dict[str, Any]:
    if one.kind == "d":
        return {"type": "d", **_distribution(one)}
    return {"type": one.kind, "val": one.text if one.kind == "l" else one.value}


def _distribution(one: Reading) -> dict[str, Any]:
    """Only how many and how long together is kept."""
    return {
        "mean": one.mean, "variance": None, "count": one.count, "sum": one.total, "min": None, "max": None
    }  # fmt: skip


def _count(one: Reading, at: datetime) -> dict[str, Any]:
    queue, _, status = one.name.removeprefix("batchd.queue.").rpartition(".jobs.")
    return {"time": utc(at), "queue": queue, "status": status, "jobs": one.value}


def _put(tree: dict[str, Any], name: str, leaf: dict[str, Any]) -> None:
    *branches, last = name.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
    tree[last] = leaf
