from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword

from accounts.audit import record


class Command(changepassword.Command):
    """Django's own, told in the audit."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        told = super().handle(*args, **options)
        record("change password", kind="accounts.user", name=str(options["username"] or ""))
        return told
