"""Who may do what, in the admin pages: grants of users and groups, and a table of all that bear on one queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import policy
from accounts.models import SCOPES, Grant, Permission, User
from jobs.models import Queue
from scheduler_site.admin_parts import SharedAdmin
from scheduler_site.typed_admin import ModelForm, TabularInline

LIMITS: Final = ("queue", "type", "host", "is_default_host", "pool")


class GrantInline(TabularInline[Grant, Any]):
    """The grants of one user or group."""

    model = Grant
    fields = ("permission", *LIMITS)
    extra = 0


class MemberForm(ModelForm[Group]):
    users = forms.ModelMultipleChoiceField(
        User.objects.order_by("username"),
        required=False,
        label=gettext_lazy("users"),
        widget=FilteredSelectMultiple(gettext_lazy("users"), is_stacked=False),
    )

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["users"].initial = self.instance.user_set.all()


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(SharedAdmin[Group]):
    """People who may do the same."""

    form = MemberForm
    inlines = (GrantInline,)
    fields = ("name", "users")
    list_display = ("name", "members")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).prefetch_related("user_set")

    @admin.display(description=gettext_lazy("users"))
    def members(self, group: Group) -> str:
        return ", ".join(user.get_username() for user in group.user_set.all())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        form.instance.user_set.set(form.cleaned_data["users"])
        super().save_related(request, form, formsets, change)


class GrantForm(ModelForm[Grant]):
    """A grant as a whole: what it may be limited to, the row's own constraints say."""

    class Meta:
        model = Grant
        fields = ("user", "group", "permission", *LIMITS)


@admin.register(Grant)
class GrantAdmin(SharedAdmin[Grant]):
    """All grants. One is made and removed, never changed: history then says who might do what when."""

    form = GrantForm
    list_display = ("permission", "user", "group", "queue", "type", "host", "is_default_host", "pool", "created_at")
    list_filter = ("permission", "user", "group", "queue", "type", "host", "pool")
    list_select_related = ("user", "group", *SCOPES)
    search_fields = ("user__username", "group__name", "queue__name")
    change_list_template = "admin/accounts/grant/change_list.html"

    def has_change_permission(self, request: HttpRequest, obj: Grant | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.queue_view)
        return [path("of-queue/", page, name="accounts_grant_of_queue"), *super().get_urls()]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """Who may do what on one queue, and by which grant."""
        user = request.user
        assert isinstance(user, User)  # noqa: S101  (admin pages are for accounts)
        policy.require_super(user)
        names = list(Queue.objects.values_list("name", flat=True))
        name = request.GET.get("queue") or (names[0] if names else "")
        queue = policy.named_for(user, Queue.objects.all(), name) if name else None
        told = {
            **self.admin_site.each_context(request),
            "title": _("Who may do what on a queue"),
            "opts": self.opts,
            "names": names,
            "queue": queue,
            "permissions": ON_QUEUE,
            "rows": rows_of(queue) if queue else [],
        }
        return render(request, "admin/accounts/grant/of_queue.html", told)


ON_QUEUE: Final = (
    Permission.CREATE_JOBS,
    Permission.VIEW_JOBS,
    Permission.MANAGE_JOBS,
    Permission.VIEW_QUEUES,
    Permission.MANAGE_QUEUES,
)


def rows_of(queue: Queue) -> list[tuple[User, list[Sequence[str]]]]:
    """Each enabled user who may do something on `queue`, with the reasons for each of `ON_QUEUE`."""
    bearing = Q(permission=Permission.SUPER_USER) | Q(permission__in=ON_QUEUE) & (Q(queue=None) | Q(queue=queue))
    grants = list(Grant.objects.filter(bearing).select_related("group", *SCOPES))
    users = User.objects.filter(is_active=True).order_by("username").prefetch_related("groups")
    found = ((user, _reasons(user, grants)) for user in users)
    return [(user, reasons) for user, reasons in found if any(reasons)]


def _reasons(user: User, grants: Iterable[Grant]) -> list[Sequence[str]]:
    groups = {group.pk for group in user.groups.all()}
    own = [grant for grant in grants if grant.user_id == user.pk or grant.group_id in groups]
    everything = [_("superuser")] if user.is_superuser else []
    everything += [_told(grant) for grant in own if grant.permission == Permission.SUPER_USER]
    return [[*everything, *(_told(one) for one in own if one.permission == word)] for word in ON_QUEUE]


def _told(grant: Grant) -> str:
    """By which way and within which other limits."""
    limits = ", ".join(f"{key} {value}" for key, value in grant.limits().items() if key != "queue")
    way = _("group %(name)s") % {"name": grant.group} if grant.group else _("own")
    return f"{way}: {limits}" if limits else way
