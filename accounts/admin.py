"""The admin pages of accounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_grants import GrantAdmin, GrantInline, GroupAdmin
from accounts.audit import changed
from accounts.models import AuditEntry, Token, User
from scheduler_site.admin_parts import RecordAdmin, SharedAdmin

__all__ = ["AccountAdmin", "GrantAdmin", "GroupAdmin", "TokenAdmin"]


@admin.register(User)
class AccountAdmin(SharedAdmin[User], UserAdmin):  # type: ignore[type-arg]
    """Django's own pages, with grants in place of its permissions. Whoever owns jobs is disabled, not deleted."""

    inlines = (GrantInline,)
    filter_horizontal = ("groups",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Who may do what"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        user = self.get_object(request, unquote(id))
        if user is None:
            return super().user_change_password(request, id, form_url)
        with changed(user):
            return super().user_change_password(request, id, form_url)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """None while the account is being made: its page comes next."""
        return super().get_inlines(request, obj) if obj else ()


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin[AuditEntry]):
    """To look at: nobody changes what was written. /audit/ shows the same, easier to read."""

    list_display = ("id", "at", "actor", "action", "kind", "name", "peer", "mode", "request_id")
    list_filter = ("action", "kind", "mode")
    search_fields = ("=actor", "=name", "=request_id")
    ordering = ("-id",)


@admin.register(Token)
class TokenAdmin(RecordAdmin[Token]):
    """Tokens are made by their users or by `create_token`, shown once. Deleting one revokes it at once."""

    list_display = ("token_key", "name", "user", "is_read_only", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("=token_key", "name", "user__username")
    fields = ("token_key", "name", "user", "is_read_only", "created", "expiry")
    ordering = ("-created",)

    def has_delete_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return super(RecordAdmin, self).has_delete_permission(request, obj)
