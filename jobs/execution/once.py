"""A bounded look at every host with work, for a site that is driven by ticks instead of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from jobs.execution import ownership, presence
from jobs.execution.outputs import output_store
from jobs.execution.session import Session
from jobs.models import Attempt
from scheduler_site.standstill import Pulse

STEPS: Final = 3


def attend_once() -> list[int]:
    """Start, hear and close what there is on each host that no engine owns. The hosts that were attended."""
    busy = Attempt.objects.filter(finished_at=None).values_list("host_id", flat=True).distinct()
    grips = ownership.acquire(set(busy), owner=presence.engine_name())
    with ThreadPoolExecutor(thread_name_prefix="files") as pool:
        for grip in grips:
            Session(grip, store=output_store(), pool=pool, on_finished=_nothing, pulse=Pulse()).once(steps=STEPS)
    return [grip.host for grip in grips]


def _nothing(short: Sequence[int]) -> None:
    """Nobody dispatches here: the next tick does."""
