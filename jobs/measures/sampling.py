"""Keeps figures over time: a look once a minute, a row for each that has changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from jobs.measures.figures import read_figures
from jobs.models import Point, Series

# Rises by one with each look: where it stands still, nothing is known.
LOOKS: Final = "looks"
BATCH: Final = 500


def sample_once(*, at: datetime) -> int:
    """Look at all figures and keep those that have changed. How many did; 0 as well if this minute has been looked at.

    What is not told any more, such as the figures of a queue that was removed, is 0 from now on.
    """
    found = read_figures()
    with transaction.atomic():
        slot = at.replace(second=0, microsecond=0)
        if not _take_turn(slot):
            return 0
        known = {row.name: row for row in Series.objects.exclude(name=LOOKS)}
        gone = dict.fromkeys(known.keys() - found.keys(), 0.0)
        return _keep(known, found | gone, at=slot)


def _take_turn(slot: datetime) -> bool:
    """Whether this call is the first in its minute. Compare and set: beats and engines may be several."""
    row, made = Series.objects.get_or_create(name=LOOKS, defaults={"value": 1.0, "changed_at": slot})
    if not made and not Series.objects.filter(pk=row.pk, changed_at__lt=slot).update(
        value=row.value + 1, changed_at=slot
    ):
        return False
    Point.objects.create(series=row, at=slot, value=row.value + (not made))
    return True


def _keep(known: dict[str, Series], found: dict[str, float], *, at: datetime) -> int:
    new = [Series(name=name[:200], value=value, changed_at=at) for name, value in found.items() if name not in known]
    changed = [row for name, row in known.items() if found[name] != row.value]
    for row in changed:
        row.value, row.changed_at = found[row.name], at
    Series.objects.bulk_create(new, batch_size=BATCH)
    Series.objects.bulk_update(changed, ["value", "changed_at"], batch_size=BATCH)
    points = [Point(series=row, at=at, value=row.value) for row in (*new, *changed)]
    Point.objects.bulk_create(points, batch_size=BATCH)
    return len(points)


def forget_once(*, at: datetime) -> int:
    """Remove points older than `BATCHYARD_METRICS_DAYS`; the last of them stays, as it says how it was until the next.

    How many.
    """
    old = at - timedelta(days=settings.BATCHYARD_METRICS_DAYS)
    later = Point.objects.filter(series=OuterRef("series"), at__gt=OuterRef("at"), at__lte=old)
    removed, _by_model = Point.objects.filter(Exists(later), at__lt=old).delete()
    Series.objects.filter(changed_at__lt=old).exclude(name__in=[*read_figures(), LOOKS]).delete()
    return removed
