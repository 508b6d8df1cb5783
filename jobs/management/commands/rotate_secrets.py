from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_lazy as _

from accounts.audit import record
from hosts.secrets.ring import SecretsUnusable, add_key, told_source
from hosts.secrets.rotation import Rotated, rotate


class Command(BaseCommand):
    help = "Brings every stored secret under the newest key, the first of the site's. It may be repeated at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new-key", action="store_true", help=str(_("first put a new key before the others")))

    def handle(self, *args: Any, new_key: bool, **options: Any) -> None:
        try:
            if new_key:
                self.stdout.write(f"A new key is the first in {add_key()}.")
            done = rotate()
        except (SecretsUnusable, OSError) as problem:
            raise CommandError(f"{problem}".rstrip()) from problem
        record("rotate", kind="secrets", after={"changed": done.changed, "kept": done.kept})
        self.stdout.write(told(done))


def told(done: Rotated) -> str:
    """What was done, and what may be done next."""
    counted = f"{done.changed} secrets are under the newest key from now on, {done.kept} were so before."
    return f"{counted} The other keys in {told_source()} are needed for older backups only."
