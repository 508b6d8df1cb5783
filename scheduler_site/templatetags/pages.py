"""The tags of our pages: {% load pages %}. The page /components/ shows each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.models import JobState
from jobs.models.attempt import Outcome, Phase

register = template.Library()

MARKS: Final = {
    JobState.BLOCKED: "hourglass",
    JobState.READY: "ready",
    JobState.RUNNING: "play",
    JobState.SUCCEEDED: "check",
    JobState.FAILED: "cross",
    JobState.CANCELLED: "ban",
    JobState.SKIPPED: "skip",
}
# Phases of a running job that look different from work that goes on.
PHASE_MARKS: Final = {
    Phase.PAUSED: "pause",
    Phase.UNREACHABLE: "warning",
    Phase.STARTING_HOST: "power",
    Phase.NEXT_ON_HOST: "clock",
}
TONE_MARKS: Final = {"success": "check", "good": "check", "warning": "warning", "warn": "warning"}
# Those that the state's own word does not say already.
PLAIN_OUTCOMES: Final = frozenset({"", Outcome.EXITED, Outcome.CANCELLED})
# For a job's number, in what is made once for all rows of a table.
STAND_IN: Final = "919191919191919191"


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A drawing from static/batchyard/icons.svg. It says nothing to screen readers: a word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("batchyard/icons.svg"), name
    )


@register.simple_tag
def notice_icon(tone: str) -> SafeString:
    """The drawing for a tone of notices, or for a level of messages."""
    return icon(TONE_MARKS.get(tone, "warning" if tone in ("bad", "error") else "info"))


@register.simple_tag
def move_buttons(job: int, places: tuple[tuple[str, str], ...]) -> SafeString:
    """The buttons that give a job another place in its line. Made once: a page has hundreds of them."""
    return format_html(_move_buttons(places), job)


@cache
def _move_buttons(places: tuple[tuple[str, str], ...]) -> str:
    """What format_html makes the buttons of a job from, given its number."""
    made = format_html_join(
        "\n",
        '<button type="submit" class="button small" id="{0}-{1}" formaction="{2}" title="{3}">'
        '{4}<span class="only-read">{3}: {1}</span></button>',
        (
            (place, STAND_IN, reverse("job-move", args=[int(STAND_IN), place]), title, icon(place))
            for place, title in places
        ),
    )
    return made.replace("{", "{{").replace("}", "}}").replace(STAND_IN, "{0}")


@register.inclusion_tag("components/state_badge.html")
def state_badge(state: str, phase: str = "", outcome: str = "", is_held: bool = False) -> dict[str, object]:
    """What a job is doing. A running one shows its phase; an ended one an outcome that says more than the state."""
    known = JobState(state)
    told: dict[str, object] = {"look": known.value, "mark": MARKS[known], "word": known.label, "detail": ""}
    if known is JobState.RUNNING and phase and phase != Phase.RUNNING:
        shown = Phase(phase)
        return told | {"look": f"running phase-{phase}", "mark": PHASE_MARKS.get(shown, "play"), "word": shown.label}
    if known.is_final and outcome not in PLAIN_OUTCOMES:
        told["detail"] = Outcome(outcome).label
    if is_held and not known.is_final:
        told |= {"mark": "hold", "detail": _("held")}
    return told


@register.inclusion_tag("components/open_to_all.html")
def open_to_all() -> dict[str, object]:
    """A warning, where nobody is asked who they are."""
    return {"is_open": "disabled" in settings.BATCHYARD_AUTH, "name": settings.BATCHYARD_LOCAL_USER}


@register.simple_tag
def when(at: datetime | None) -> SafeString:
    """A moment, relative and absolute; a dash for None. In UTC, which scripts turn into the viewer's zone."""
    if at is None:
        return format_html('<span class="muted">{}</span>', "–")
    moment = at.astimezone(UTC)
    return format_html(
        '<span class="moment"><time datetime="{0}" data-when>{1}</time> '
        '<time class="moment-at" datetime="{0}" title="{2} UTC" data-at>{2}</time></span>',
        moment.isoformat(timespec="seconds"),
        relative(moment, now=timezone.now()),
        f"{moment:%Y-%m-%d %H:%M:%S}",
    )


@register.simple_tag
def tick(at: datetime, *, is_date: bool) -> SafeString:
    """A moment on the axis of a chart: its date or its time of day, the whole of it as a title. In UTC, as `when`."""
    moment = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-tick="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{moment:%Y-%m-%d %H:%M:%S}",
        "date" if is_date else "time",
        f"{moment:%m-%d}" if is_date else f"{moment:%H:%M}",
    )


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None = None) -> SafeString:
    """How long it took; without an end how long it takes, and the page counts on. A dash for no start."""
    if start is None:
        return format_html('<span class="muted">{}</span>', "–")
    if end is not None:
        return format_html('<span class="nowrap">{}</span>', duration(end - start))
    began = start.astimezone(UTC).isoformat(timespec="seconds")
    return format_html('<span class="nowrap" data-since="{}">{}</span>', began, duration(timezone.now() - start))


@register.simple_tag(takes_context=True)
def nav_link(context: Context, name: str, text: str, mark: str) -> SafeString:
    """A link of the navigation, marked on the pages beneath it."""
    request: Any = context.get("request")
    address = reverse(name)
    is_here = request is not None and request.path.startswith(address)
    current = format_html(' aria-current="{}"', "page") if is_here else ""
    return format_html('<a href="{}"{}>{}<span>{}</span></a>', address, current, icon(mark), text)


def relative(at: datetime, *, now: datetime) -> str:
    """`just now`, `3 min ago`, `in 2 h`; static/batchyard/page.js says the same."""
    distance = at - now
    if abs(distance) < timedelta(seconds=5):
        return _("just now")
    if distance > timedelta(0):
        return _("in %(time)s") % {"time": rough(distance)}
    return _("%(time)s ago") % {"time": rough(-distance)}


def rough(length: timedelta) -> str:
    """In its largest unit: `12 s`, `3 min`, `2 h`, `5 d`."""
    seconds = length.total_seconds()
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min"))):
        # Up to two of a unit are told in the smaller one, which says more.
        if seconds >= size * 2:
            return f"{int(seconds / size + 0.5)} {unit}"
    return f"{int(seconds)} {_('s')}"


def duration(length: timedelta) -> str:
    """In its two largest units: `0.4 s`, `3 min 12 s`, `2 h 5 min`, `4 d 1 h`."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} {_('s')}"
    units = ((86400, _("d")), (3600, _("h")), (60, _("min")), (1, _("s")))
    left, parts = int(seconds), list[str]()
    for size, unit in units:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
