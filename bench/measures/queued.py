"""What a pass of the dispatcher costs when very much waits and has finished, against when little does."""

from __future__ import annotations

from typing import Final

from bench.rows import HALF, Figures, Plan, Row, at_most, percentile
from bench.site import SEATS, new_site

MARK: Final = 2.0
FEW: Final = 1_000


def measure(plan: Plan) -> list[Row]:
    """With 8 free seats (the pass is rolled back), then with none."""
    ready, finished = plan.count(100_000, quick=10_000), plan.count(1_000_000, quick=100_000)
    few, many = _passes(plan, ready=FEW, finished=0), _passes(plan, ready=ready, finished=finished)
    told = f"{ready:,} ready, {finished:,} finished"
    return [row for seats in ("free", "full") for row in _rows(f"pass, seats {seats}", told, few[seats], many[seats])]


def _rows(what: str, told: str, few: list[float], many: list[float]) -> list[Row]:
    small, large = percentile(few, HALF), percentile(many, HALF)
    figures: Figures = {"few_milliseconds": few, "many_milliseconds": many}
    return [
        Row(what=f"{what}: {FEW:,} ready, 0 finished, p50", value=small, unit="ms"),
        Row(what=f"{what}: {told}, p50", value=large, unit="ms", figures=figures),
        Row(what=f"{what}: many against few", value=large / small, unit="×", mark=at_most(MARK)),
    ]


def _passes(plan: Plan, *, ready: int, finished: int) -> dict[str, list[float]]:
    with new_site(plan) as site:
        site.prepare()
        site.inside("stock", ready=ready, finished=finished)
        count = plan.count(50, quick=20)
        return dict(site.inside("passes", count=count, seats=SEATS))
