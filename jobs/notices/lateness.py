"""Notes which jobs have not begun in time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from jobs.queueing.bell import ring_post
from jobs.queueing.outbox import COVERS, INTO
from scheduler_site.records import change

# So many at a time; what is left is found by the next look.
MOST: Final = 1_000
# A job could have begun when it was submitted, or at the time that it should not start before.
LATE_AT: Final = {
    "postgresql": "COALESCE(GREATEST(j.created_at, j.not_before), j.created_at) "
    "+ make_interval(secs => s.late_after_seconds)",
    "sqlite": "julianday(MAX(j.created_at, COALESCE(j.not_before, j.created_at))) + s.late_after_seconds / 86400.0",
}
MOMENT: Final = {"postgresql": "{}", "sqlite": "julianday({})"}


def note_late_once(*, at: datetime) -> int:
    """Note for all who want it which jobs are late now and were not told before. How many notices that made.

    What was late before somebody subscribed is no news to them. A job that is held, or has begun once, is not late.
    """
    moment = connection.ops.adapt_datetimefield_value(at)
    with transaction.atomic():
        made = change(_statement(), [moment] * 3)
        if made:
            ring_post()
    return made


def _statement() -> str:
    late_at, as_moment = LATE_AT[connection.vendor], MOMENT[connection.vendor].format
    return f"""{INTO}
        SELECT s.id, 'late', j.id, q.name, j.reason, %s, 'waiting', 0, %s, '', ''
        FROM jobs_subscription s JOIN jobs_job j ON {COVERS} JOIN jobs_queue q ON q.id = j.queue_id
        WHERE s.on_late AND j.finished_at IS NULL AND j.state IN ('ready', 'blocked') AND j.tries = 0
            AND NOT j.is_held AND {late_at} <= {as_moment("%s")} AND {late_at} > {as_moment("s.created_at")}
            AND NOT EXISTS (SELECT 1 FROM jobs_notice n
                            WHERE n.subscription_id = s.id AND n.thing = j.id AND n.kind = 'late')
        LIMIT {MOST} ON CONFLICT DO NOTHING
    """  # noqa: S608  (all of it stands in this file and the outbox's)
