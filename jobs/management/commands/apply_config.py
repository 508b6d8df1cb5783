from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.config.text.applying import Applied, apply
from jobs.config.text.reading import read_file
from jobs.problems import Problems


class Command(BaseCommand):
    help = "Makes the site's definitions what a YAML file says: all of it, or nothing. Removes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the file; its form is what export_config prints")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, path: Path, dry_run: bool, **options: Any) -> None:
        try:
            done = apply(read_file(path), is_dry_run=dry_run)
        except Problems as found:
            raise CommandError("\n".join([*map(str, found.problems), "Nothing was changed."])) from found
        for warning in done.warnings:
            self.stderr.write(warning)
        self._tell(done)
        if dry_run:
            self.stdout.write("This was a dry run: nothing was changed.")

    def _tell(self, done: Applied) -> None:
        for name in done.made:
            self.stdout.write(f"Made {name}.")
        for name in done.changed:
            self.stdout.write(f"Changed {name}.")
        self.stdout.write(f"{len(done.made)} made, {len(done.changed)} changed, {done.unchanged} as they were.")
