"""How many jobs a second go through a queue: from the first submission to the last row finished."""

from __future__ import annotations

import time
from typing import Final

from bench.rows import Figures, NotMeasured, Plan, Row, at_least
from bench.site import QUEUE, Site, running_site
from bench.yardstick import Rated, rated

MARK: Final = 0.12
WARM: Final = 16
LIMIT_SECONDS: Final = 600.0


def measure(plan: Plan) -> list[Row]:
    """Three variants, each on a site of its own."""
    count = plan.count(2_000, quick=400)
    return [
        _in_bulk(plan, count, type_="noop", template="true"),
        _in_bulk(plan, count, type_="hello", template="echo hello"),
        _one_by_one(plan, count),
    ]


def _in_bulk(plan: Plan, count: int, *, type_: str, template: str) -> Row:
    with running_site(plan) as site:
        _warm(site, type_, template)
        ids: list[int] = []
        found = rated(plan, lambda: rate_in_bulk(site, type_, count, ids=ids))
        figures = check_kept(site, ids, output_bytes=len(b"hello\n") if type_ == "hello" else 0)
    return _row(f"throughput: {count:,} × `{template}`, in bulk", found, figures)


def _one_by_one(plan: Plan, count: int) -> Row:
    with running_site(plan) as site:
        _warm(site, "noop", "true")
        ids: list[int] = []
        found = rated(plan, lambda: _rate_one_by_one(site, count, ids=ids))
        figures = check_kept(site, ids, output_bytes=0)
    return _row(f"throughput: {count:,} × `true`, in process one by one", found, figures)


def _row(what: str, found: Rated, figures: Figures) -> Row:
    mark = at_least(MARK, of="ratio")
    figures = figures | found.figures
    return Row(what=what, value=found.rate, unit="jobs/s", ratio=found.ratio, mark=mark, figures=figures)


def _warm(site: Site, type_: str, template: str) -> None:
    """The first job of a site pushes the supervisor to its host; that is not what is measured."""
    site.define_type(type_, template=template)
    site.wait_finished(site.submit(type_, count=WARM), seconds=60)


def rate_in_bulk(site: Site, type_: str, count: int, *, ids: list[int], queue: str = QUEUE) -> float:
    """Jobs per second; `ids` gets theirs as well."""
    began = time.monotonic()
    made = site.submit(type_, count=count, queue=queue)
    site.wait_finished(made, seconds=LIMIT_SECONDS)
    ids += made
    return count / (time.monotonic() - began)


def _rate_one_by_one(site: Site, count: int, *, ids: list[int]) -> float:
    submitted = site.inside("submit_each", queue=QUEUE, type="noop", count=count)
    site.wait_finished(submitted["ids"], seconds=LIMIT_SECONDS)
    ids += submitted["ids"]
    return float(count / (time.monotonic() - submitted["began"]))


def check_kept(site: Site, ids: list[int], *, output_bytes: int) -> Figures:
    """The counts of what was kept. Raises NotMeasured unless every exit code and every byte is there."""
    span = (ids[0], ids[-1])
    right = "job_id BETWEEN ? AND ? AND outcome = 'exited' AND exit_code = 0"
    exits = site.rows(f"SELECT count(*) FROM jobs_attempt WHERE {right}", *span)[0][0]  # noqa: S608
    kept = site.rows(
        "SELECT count(*), coalesce(sum(size_bytes), 0) FROM jobs_output o JOIN jobs_attempt a ON a.id = o.attempt_id"
        " WHERE a.job_id BETWEEN ? AND ? AND o.sealed_at IS NOT NULL",
        *span,
    )[0]
    if exits != len(ids) or kept[1] != len(ids) * output_bytes:
        raise NotMeasured(f"Of {len(ids)} jobs {exits} have exit code 0, and {kept[1]} bytes of output are kept.")
    if output_bytes and site.client.ask("GET", f"/api/v1/jobs/{ids[-1]}/output") != b"hello\n":
        raise NotMeasured(f"The output of job {ids[-1]} is not what it wrote.")
    return {"jobs": len(ids), "exit_codes": exits, "outputs": kept[0], "output_bytes": kept[1]}
