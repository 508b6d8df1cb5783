from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from jobs.config.text.exporting import site_text, withheld


class Command(BaseCommand):
    help = "Prints the site's variables, hosts, pools, schedules, job types, queues and grants as YAML."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(site_text(), ending="")
        for name in withheld():
            self.stderr.write(f"Left out, as it is a secret or has the name of one: {name}.")
