from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from jobs.execution.places import forget_places


class Command(BaseCommand):
    help = "After a restore: look for the runs of local hosts here from now on. Those that are not here are lost."

    def handle(self, *args: Any, **options: Any) -> None:
        count = forget_places()
        self.stdout.write(f"{count} local hosts belong to wherever the next engine starts.")
