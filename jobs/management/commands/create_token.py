from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.tokens import make_token
from jobs.problems import did_you_mean

DAYS_LIMIT = 3660
NAME_LIMIT = 100


class Command(BaseCommand):
    help = "Makes a token for the REST API and prints it alone. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name of whoever will use it")
        parser.add_argument("--name", type=label, default="", help="what it is for")
        parser.add_argument("--read-only", action="store_true", help="it can change nothing")
        parser.add_argument("--days", type=days, metavar="N", help="valid for so many days (default: until revoked)")

    def handle(self, *args: Any, user: str, name: str, days: int | None, read_only: bool, **options: Any) -> None:
        owner = User.objects.filter(username=user).first()
        if owner is None:
            hint = did_you_mean(user[:150], User.objects.values_list("username", flat=True)[:1000])
            raise CommandError(f'There is no user "{user[:150]}". {hint}')
        if not owner.is_active:
            raise CommandError(f'User "{user}" is disabled; a token of theirs would open nothing.')
        expiry = timedelta(days=days) if days else None
        _row, token = make_token(owner, name=name, period=expiry, is_read_only=read_only)
        self.stdout.write(token)


def days(text: str) -> int:
    """A number of days. Raises ArgumentTypeError saying what is possible."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= DAYS_LIMIT or len(text) > 9:
        raise ArgumentTypeError(f"{text[:40]!r} is not possible; 1 to {DAYS_LIMIT} are.")
    return int(text)


def label(text: str) -> str:
    """A short text on one line. Raises ArgumentTypeError for anything else."""
    if len(text) > NAME_LIMIT or not text.isprintable():
        raise ArgumentTypeError(f"a name has one line of at most {NAME_LIMIT} characters")
    return text
