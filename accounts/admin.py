"""The admin pages of accounts, and of what the libraries know about people."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from axes import admin as axes_pages
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_celery_beat import admin as beat_pages
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin_grants import GrantAdmin, GrantInline, GroupAdmin
from accounts.audit import changed
from accounts.models import AuditEntry, Token, User
from scheduler_site.admin_parts import RecordAdmin, RevocableAdmin, SharedAdmin

# Beat only ticks, as the settings say; nobody may make it do something else. Failures of sign-in are in AccessAttempt.
for hidden in (PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule, AccessFailureLog):
    if admin.site.is_registered(hidden):
        admin.site.unregister(hidden)
admin.site.unregister([AccessAttempt, AccessLog])

# The pages of others are read first, so that ours can take their places.
__all__ = ["AccountAdmin", "GrantAdmin", "GroupAdmin", "axes_pages", "beat_pages"]


@admin.register(User)
class AccountAdmin(UserAdmin, SharedAdmin[User]):  # type: ignore[misc, type-arg]
    """Django's own pages, with grants in place of its permissions. Whoever owns jobs is disabled, not deleted."""

    inlines = (GrantInline,)
    filter_horizontal = ("groups",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Who may do what"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "get_full_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    readonly_fields = ("last_login", "date_joined")

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
    fields = (
        "at", "actor", "mode", "peer", "request_id", "action", "kind", "object_id", "name", "told_before", "told_after",
    )  # fmt: skip
    readonly_fields = ("told_before", "told_after")
    ordering = ("-id",)

    # By ourselves: the theme colours JSON by inline styles, which the policy for contents forbids.
    @admin.display(description=_("before"))
    def told_before(self, row: AuditEntry) -> str:
        return _as_lines(row.before)

    @admin.display(description=_("after"))
    def told_after(self, row: AuditEntry) -> str:
        return _as_lines(row.after)


def _as_lines(values: object) -> str:
    text = json.dumps(values, indent=2, ensure_ascii=False) if values is not None else "–"
    return format_html('<pre class="whitespace-pre-wrap">{}</pre>', text)


@admin.register(Token)
class TokenAdmin(RevocableAdmin[Token]):
    """Tokens are made by their users or by `create_token`, shown once. Deleting one revokes it at once."""

    list_display = ("token_key", "name", "user", "is_read_only", "created", "expiry", "last_used_at")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("=token_key", "name", "user__username")
    fields = ("token_key", "name", "user", "is_read_only", "created", "expiry", "last_used_at")
    ordering = ("-created",)


@admin.register(AccessAttempt)
class WrongPasswordAdmin(RevocableAdmin[AccessAttempt]):
    """Wrong passwords since the last right one. Deleting the row lets the name in again from that address."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    search_fields = ("=username", "=ip_address")
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent")
    ordering = ("-attempt_time",)


@admin.register(AccessLog)
class SignInAdmin(RecordAdmin[AccessLog]):
    list_display = ("username", "ip_address", "attempt_time", "logout_time")
    search_fields = ("=username", "=ip_address")
    fields = ("username", "ip_address", "attempt_time", "logout_time", "path_info", "user_agent")
    ordering = ("-attempt_time",)


@admin.register(LogEntry)
class ChangeAdmin(RecordAdmin[LogEntry]):
    """What was done on these pages."""

    list_display = ("action_time", "user", "content_type", "object_repr", "told")
    list_filter = ("action_flag", "content_type", "user")
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "=user__username")
    fields = ("action_time", "user", "content_type", "object_repr", "told")
    ordering = ("-action_time",)

    @admin.display(description=_("change"))
    def told(self, entry: LogEntry) -> str:
        return entry.get_change_message()
