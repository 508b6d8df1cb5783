"""What notices say. Nothing of parameters, notes or output is in it: who reads a mailbox is not ours to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import Notice, NoticeKind
from jobs.models.subscription import OF_JOBS

LINES: Final[Mapping[str, Promise]] = {
    NoticeKind.SUCCEEDED: gettext_lazy("Job %(thing)s in queue %(name)s has succeeded."),
    NoticeKind.FAILED: gettext_lazy("Job %(thing)s in queue %(name)s has failed."),
    NoticeKind.LATE: gettext_lazy("Job %(thing)s in queue %(name)s has not begun in time."),
    NoticeKind.HOST_DOWN: gettext_lazy("Host %(name)s cannot be reached."),
    NoticeKind.HOST_UP: gettext_lazy("Host %(name)s can be reached again."),
    NoticeKind.QUEUE_STARTED: gettext_lazy("Queue %(name)s has enabled itself."),
}


def title_of(notices: Sequence[Notice]) -> str:
    """The title of a letter about `notices`."""
    if len(notices) == 1:
        return f"Batchyard: {line_of(notices[0])}"
    counts = Counter(NoticeKind(notice.kind) for notice in notices)
    listed = ", ".join(f"{count} × {kind.label}" for kind, count in counts.most_common())
    return f"Batchyard: {listed}"


def body_of(notices: Sequence[Notice]) -> str:
    """The text of a letter about `notices`, each with the number by which a repetition is recognized."""
    return "\n\n".join(_paragraph(notice) for notice in notices)


def line_of(notice: Notice) -> str:
    """What has happened, in a sentence."""
    return str(LINES[notice.kind]) % {"thing": notice.thing, "name": notice.name}


def _paragraph(notice: Notice) -> str:
    when = f"{notice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    said = [line_of(notice), " ".join(notice.reason.split()), link_of(notice)]
    last = _("%(when)s, notice %(number)s") % {"when": when, "number": notice.pk}
    return "\n".join([*filter(None, said), last])


def link_of(notice: Notice) -> str:
    """Where to look. Empty for hosts, which have no page of their own, and where the site's address is not known."""
    if not settings.BATCHYARD_URL:
        return ""
    if notice.kind in OF_JOBS:
        return f"{settings.BATCHYARD_URL}/jobs/{notice.thing}/"
    return f"{settings.BATCHYARD_URL}/queues/{notice.name}/" if notice.kind == NoticeKind.QUEUE_STARTED else ""
