from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.management.commands import createsuperuser
from django.core.management import call_command

from accounts.audit import record_change
from accounts.models import User


class Command(createsuperuser.Command):
    """Django's own, told in the audit. It works before the first start as well."""

    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HAS_OWN_DATABASE:
            call_command("migrate", verbosity=0, interactive=False)
        known = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        super().handle(*args, **options)
        for user in User.objects.filter(pk__gt=known, is_superuser=True):
            record_change(user, None)
