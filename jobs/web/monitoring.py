"""How the site has fared: charts of its figures, and its hosts as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import policy
from hosts.models import HostState
from jobs.measures.figures import host_figures
from jobs.measures.history import Line, chosen, gaps, lines
from jobs.models import JobState, Queue
from jobs.web.charts import STEPS, Chart, Figure, chart, level, per_minute
from jobs.web.live import person

PERIODS: Final = {
    "1h": (timedelta(hours=1), gettext_lazy("an hour")),
    "6h": (timedelta(hours=6), gettext_lazy("six hours")),
    "24h": (timedelta(days=1), gettext_lazy("a day")),
    "7d": (timedelta(days=7), gettext_lazy("a week")),
    "30d": (timedelta(days=30), gettext_lazy("30 days")),
}
UNFINISHED: Final = (JobState.BLOCKED, JobState.READY, JobState.RUNNING)
ENDED: Final = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)
# As everywhere on the pages; what is not here gets a colour by its place.
COLOURS: Final = {
    JobState.BLOCKED: "wait", JobState.READY: "ready", JobState.RUNNING: "busy", JobState.SUCCEEDED: "good",
    JobState.FAILED: "bad", JobState.CANCELLED: "off", JobState.SKIPPED: "odd",
    HostState.UNKNOWN: "off", HostState.STARTING: "wait", HostState.ON: "good", HostState.UNREACHABLE: "bad",
    "2xx": "good", "3xx": "off", "4xx": "wait", "5xx": "bad",
}  # fmt: skip


@login_required
@require_safe
def monitoring(request: HttpRequest) -> HttpResponse:
    """Charts over a period, of the site or of one of its queues."""
    user = person(request)
    policy.require_super(user)
    word = request.GET.get("last", "")
    word = word if word in PERIODS else "6h"
    queue = Queue.objects.filter(name=request.GET.get("queue", "")[:100]).first()
    end = timezone.now()
    period = Period(end - PERIODS[word][0], end, f"queue.{queue.name}." if queue else "")
    told = {
        "charts": list(_charts(period)),
        "hosts": host_figures(),
        "periods": [(key, label) for key, (_length, label) in PERIODS.items()],
        "period": word,
        "is_long": PERIODS[word][0] > timedelta(days=1),
        "queues": Queue.objects.values_list("name", flat=True),
        "queue": queue,
    }
    return render(request, "jobs/monitoring.html", told)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of which charts are drawn, for the site or for what the names of its figures begin with."""

    begin: datetime
    end: datetime
    prefix: str = ""

    def read(self, prefix: str, *words: str) -> list[Line]:
        """The figures `prefix` + word, in the order of the words."""
        # What a total was a step before the begin is needed to tell how it rose.
        early = self.begin - max((self.end - self.begin) / STEPS, timedelta(minutes=1))
        found = {line.name: line for line in lines(chosen(prefix=prefix), begin=early, end=self.end)}
        return [found.get(f"{prefix}{word}", Line(word, [])) for word in words]

    def levels(self, prefix: str, labels: Mapping[str, object]) -> list[Figure]:
        """Values as they were."""
        found = zip(labels.items(), self.read(prefix, *labels), strict=True)
        return [
            Figure(str(label), level(line, begin=self.begin, end=self.end), COLOURS.get(word, ""))
            for (word, label), line in found
        ]

    def rising(self, prefix: str, labels: Mapping[str, object]) -> list[Figure]:
        """How totals rose per minute."""
        found = zip(labels.items(), self.read(prefix, *labels), strict=True)
        return [
            Figure(str(label), per_minute(line, begin=self.begin, end=self.end), COLOURS.get(word, ""))
            for (word, label), line in found
        ]


def _charts(of: Period) -> Iterator[Chart]:
    blind = gaps(begin=of.begin, end=of.end)

    def drawn(title: str, figures: list[Figure], *, shown: Callable[[float], str] = "{:.3g}".format) -> Chart:
        return chart(title, figures, begin=of.begin, end=of.end, gaps=blind, shown=shown)

    jobs = f"{of.prefix}jobs."
    yield drawn(_("Jobs that wait and run"), of.levels(jobs, {state: state.label for state in UNFINISHED}))
    yield drawn(_("Jobs that have ended, of those kept"), of.levels(jobs, {state: state.label for state in ENDED}))
    yield drawn(_("Runs ended per minute"), of.rising(f"{of.prefix}runs.", {"count": _("runs")}))
    yield drawn(_("Mean duration of runs, in seconds"), [Figure(_("seconds"), _mean(of))])
    if of.prefix:
        return
    yield drawn(_("Hosts"), of.levels("hosts.", {**dict(HostState.choices), "busy": _("all seats taken")}))
    yield drawn(_("Answers per minute"), of.rising("http.", {f"{digit}xx": f"{digit}xx" for digit in (2, 3, 4, 5)}))
    yield drawn(_("Memory"), of.levels("memory.", {"web": _("web"), "engine": _("engine")}), shown=filesizeformat)


def _mean(of: Period) -> Iterator[tuple[datetime, float | None]]:
    """How long the runs took on average that ended in each step."""
    figures = of.rising(f"{of.prefix}runs.", {"count": "count", "seconds": "seconds"})
    ended, taken = figures
    for (at, runs), (_at, seconds) in zip(ended.values, taken.values, strict=True):
        yield at, seconds / runs if runs and seconds is not None else None
