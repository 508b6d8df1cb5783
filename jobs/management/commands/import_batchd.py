from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.config.batchd.importing import import_directory
from jobs.problems import Problems


class Command(BaseCommand):
    help = "Takes in batchd's batchd.yaml, hosts/, controllers/ and jobtypes/ as they are: all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="such as ~/.config/batchd or /etc/batchd")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--replace", action="store_true", help="what is here under the same name becomes batchd's")

    def handle(self, *args: Any, directory: Path, dry_run: bool, replace: bool, **options: Any) -> None:
        try:
            report = import_directory(directory, is_dry_run=dry_run, may_replace=replace)
        except Problems as found:
            raise CommandError("\n".join([*map(str, found.problems), "Nothing was changed."])) from found
        for line in report.lines():
            self.stdout.write(line)
        if dry_run:
            self.stdout.write("This was a dry run: nothing was changed.")
