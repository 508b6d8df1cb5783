from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from jobs.config.seed import ADMIN, seed, told


class Command(BaseCommand):
    help = (
        "Makes what a new site begins with: the account, the host, the schedule, the queue and the job type. "
        "Prints the account's password, once. Does and prints nothing where all of it is there."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = seed()
        if seeded.made:
            self.stdout.write(f"Made {', '.join(told(seeded.made))}.")
        if seeded.password is not None:
            self.stdout.write(f'The password of "{ADMIN}" is shown only this once: {seeded.password}')
            self.stdout.write(f"Another one: manage.py changepassword {ADMIN}")
