"""The admin pages of accounts."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.models import User
from scheduler_site.admin_parts import SharedAdmin


@admin.register(User)
class AccountAdmin(SharedAdmin[User], UserAdmin):  # type: ignore[type-arg]
    """Django's own pages. An account that owns jobs can be disabled, not deleted."""
