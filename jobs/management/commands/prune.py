from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from jobs.config.retention import due, prune_once


class Command(BaseCommand):
    help = "Removes finished jobs that are older than their queue keeps them. Safe at any time, also beside engines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="remove nothing; say how many jobs would go")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        at = timezone.now()
        counts = due(at=at) if dry_run else prune_once(at=at)
        for name, count in counts.items():
            self.stdout.write(f'Queue "{name}": {count} jobs.')
        self.stdout.write(f"{sum(counts.values())} jobs {'are to be' if dry_run else 'were'} removed.")
