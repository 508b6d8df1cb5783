"""What attempts came to, day by day and by whatever people ask for: bars and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import policy
from jobs.models import Job
from jobs.tallies import statistics
from jobs.tallies.statistics import Figures, Times
from jobs.web.live import person
from scheduler_site.templatetags.pages import duration

DAYS: Final = [(days, format_lazy(gettext_lazy("{days} days"), days=days)) for days in (7, 30, 90, 365)]
BY: Final = [
    ("queue", gettext_lazy("queue")),
    ("type", gettext_lazy("type")),
    ("host", gettext_lazy("host")),
    ("owner", gettext_lazy("owner")),
    ("day", gettext_lazy("day")),
]
DEFAULTS: Final = {"days": "30", "by": "queue"}
CHART_HEIGHT: Final = 100
BAR_WIDTH: Final = 10
# Percentiles that the table shows.
SHOWN: Final = (50, 90)


class PeriodForm(forms.Form):
    """Which days, and what the table tells apart."""

    days = forms.TypedChoiceField(choices=DAYS, coerce=int, label=gettext_lazy("Period"))
    by = forms.ChoiceField(choices=BY, label=gettext_lazy("By"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    name: str
    count: int
    succeeded: int
    failed: int
    cancelled: int
    ran: str
    times: Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar, in the units of the chart."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the chart."""

    row: Row
    x: int
    parts: Sequence[Part]


@login_required
@require_safe
def stats_page(request: HttpRequest) -> HttpResponse:
    """Statistics of everything that the user may see."""
    user = person(request)
    policy.require(user, "view", Job)
    form = PeriodForm({**DEFAULTS, **{name: request.GET[name] for name in DEFAULTS if name in request.GET}})
    if not form.is_valid():
        return render(
            request, "jobs/stats.html", {"form": form, "problem": _("Choose among what is offered.")}, status=400
        )
    context = {"form": form, **_told(policy.statistics(user), form.cleaned_data["days"], form.cleaned_data["by"])}
    return render(request, "jobs/stats.html", context)


def _told(rows: Any, days: int, by: str) -> dict[str, Any]:
    until = timezone.now().date()
    since = until - timedelta(days=days - 1)
    mine = statistics.of_days(rows, since=since, until=until)
    try:
        by_day = statistics.every_day(statistics.figures(mine, by=["day"]), since=since, until=until)
        found = by_day if by == "day" else statistics.figures(mine, by=[by])
    except statistics.TooMany:
        return {"problem": _("That would be too many rows. Choose something else.")}
    bars = bars_of([row_of(one, "day") for one in by_day])
    return {
        "bars": bars,
        "most": max((bar.row.count for bar in bars), default=0),
        "width": BAR_WIDTH * len(bars),
        "height": CHART_HEIGHT,
        "rows": [row_of(one, by) for one in found if one.count],
        "heading": dict(BY)[by],
        "total": sum(bar.row.count for bar in bars),
    }


def row_of(one: Figures, by: str) -> Row:
    succeeded, cancelled = one.outcomes.get("succeeded", 0), one.outcomes.get("cancelled", 0)
    failed = one.count - succeeded - cancelled
    times = [_seconds(of.percentile(percent), of) for of in (one.waited, one.ran) for percent in SHOWN]
    return Row(one.names[by], one.count, succeeded, failed, cancelled, _seconds(one.ran.total_seconds, one.ran), times)


def _seconds(seconds: float, of: Times) -> str:
    return duration(timedelta(seconds=seconds)) if of.count else "–"


def bars_of(rows: Sequence[Row]) -> list[Bar]:
    """The days as bars, the highest as high as the chart."""
    most = max((row.count for row in rows), default=0) or 1
    return [Bar(row, place * BAR_WIDTH, _parts(row, CHART_HEIGHT / most)) for place, row in enumerate(rows)]


def _parts(row: Row, unit: float) -> list[Part]:
    """From below: what succeeded, what was cancelled, what failed."""
    parts, top = list[Part](), float(CHART_HEIGHT)
    for tone, count in (("good", row.succeeded), ("off", row.cancelled), ("bad", row.failed)):
        if count:
            top -= count * unit
            parts.append(Part(tone, round(top, 2), round(count * unit, 2)))
    return parts
