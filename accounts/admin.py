"""The admin pages of accounts, and of what the libraries know about people."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import Token, User
from scheduler_site.admin_parts import RecordAdmin, RevocableAdmin, SharedAdmin

# Beat only ticks, as the settings say; nobody may make it do something else. Failures of sign-in are in AccessAttempt.
for hidden in (PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule, AccessFailureLog):
    if admin.site.is_registered(hidden):
        admin.site.unregister(hidden)
admin.site.unregister([Group, AccessAttempt, AccessLog])


@admin.register(User)
class AccountAdmin(UserAdmin, SharedAdmin[User]):  # type: ignore[misc, type-arg]
    """Django's own pages. An account that owns jobs can be disabled, not deleted."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "get_full_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    readonly_fields = ("last_login", "date_joined")


@admin.register(Group)
class RightsAdmin(GroupAdmin, SharedAdmin[Group]):
    """Rights that several accounts share."""


@admin.register(Token)
class TokenAdmin(RevocableAdmin[Token]):
    """Tokens are made by their users or by `create_token`, shown once. Deleting one revokes it at once."""

    list_display = ("token_key", "name", "user", "created", "expiry")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("=token_key", "name", "user__username")
    fields = ("token_key", "name", "user", "created", "expiry")
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
