"""The admin pages of accounts."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import Token, User
from scheduler_site.admin_parts import RecordAdmin, SharedAdmin


@admin.register(User)
class AccountAdmin(SharedAdmin[User], UserAdmin):  # type: ignore[type-arg]
    """Django's own pages. An account that owns jobs can be disabled, not deleted."""


@admin.register(Token)
class TokenAdmin(RecordAdmin[Token]):
    """Tokens are made by their users or by `create_token`, shown once. Deleting one revokes it at once."""

    list_display = ("token_key", "name", "user", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("=token_key", "name", "user__username")
    fields = ("token_key", "name", "user", "created", "expiry")
    ordering = ("-created",)

    def has_delete_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return super(RecordAdmin, self).has_delete_permission(request, obj)
