from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts import policy
from jobs.config.retention import prune_for_a_while
from jobs.dispatch.tick import pass_once
from jobs.execution.clock import now
from jobs.execution.once import attend_once
from jobs.notices.delivery import deliver_once
from jobs.notices.lateness import note_late_once


class Command(BaseCommand):
    help = "One pass of everything that is due, without a broker. Safe at any time, also beside running engines."

    def handle(self, *args: Any, **options: Any) -> None:
        look = pass_once(at=now())
        for opened in look.started:
            self.stdout.write(f"Job {opened.job_id}: attempt {opened.number} on host {opened.host_id}.")
        attended = attend_once()
        note_late_once(at=now())
        deliver_once(at=now(), still_seen=policy.still_seen)
        for name, count in prune_for_a_while(at=now()).items():
            self.stdout.write(f'Queue "{name}": {count} old jobs removed.')
        when = f"at {look.next_at:%Y-%m-%d %H:%M:%S} UTC" if look.next_at else "when something happens"
        self.stdout.write(f"{len(look.started)} started, {len(attended)} hosts attended; the next look is due {when}.")
