"""The admin pages of hosts and pools, and of what engines write about them."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import policy
from accounts.audit import changed
from hosts.credentials import PASSPHRASE_LIMIT, PRIVATE_KEY_LIMIT, KeyPair
from hosts.definitions import STATE_COLUMNS, HostInUse, check_host, check_key, remove, save_host
from hosts.models import Host, Lease, Ownership, Pool, PoolMember
from jobs.config.removal import remove_host
from jobs.models import Job
from scheduler_site.admin_fields import SecretText, VariablesField
from scheduler_site.admin_forced import ACTION, ForcedAdmin
from scheduler_site.admin_parts import CodeArea, HiddenArea, HiddenInput, RecordAdmin, SharedAdmin
from scheduler_site.policed_admin import PolicedInline, person
from scheduler_site.typed_admin import ModelForm


class HostForm(ModelForm[Host]):
    variables = VariablesField(
        label=_("Variables"),
        help_text=_(
            'A JSON object like {"scratch": "/tmp"}: values for templates. '
            "They win over the site's variables and lose to a job's own parameters."
        ),
    )

    private_key = SecretText(
        label=_("Private key"), required=False, max_length=PRIVATE_KEY_LIMIT, widget=HiddenArea(rows=4),
        help_text=_("Instead of a key file's name. It is kept sealed and never shown again; empty leaves it as it is."),
    )  # fmt: skip
    passphrase = SecretText(
        label=_("Passphrase"), required=False, max_length=PASSPHRASE_LIMIT, widget=HiddenInput(),
        help_text=_("What unlocks the private key above, if anything has to."),
    )  # fmt: skip
    is_key_removed = forms.BooleanField(
        label=_("Remove the private key"), required=False, help_text=_("The one that was given to this host.")
    )

    class Meta:
        widgets: ClassVar = {"host_keys": CodeArea(rows=4), "startup_commands": CodeArea(rows=6)}

    @property
    def given(self) -> KeyPair | None:
        """The private key that was entered."""
        private_key: str = self.cleaned_data.get("private_key", "")
        return KeyPair(private_key, self.cleaned_data.get("passphrase", "")) if private_key else None

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("passphrase") and not told.get("private_key"):
            self.add_error("passphrase", _("It comes together with the private key that it unlocks."))
        return told

    def full_clean(self) -> None:
        """Looks at the host as a whole as well, by the checks that all edges share."""
        super().full_clean()
        if not self.is_bound or self.errors:
            return
        try:
            check_host(self.instance)
            check_key(self.instance, self.given, is_key_removed=self.cleaned_data["is_key_removed"])
        except ValidationError as found:
            for field, problems in found.error_dict.items():
                self.add_error(field if field in self.fields else None, problems)


@admin.register(Host)
class HostAdmin(ForcedAdmin[Host]):
    takes = Job
    form = HostForm
    refusals = (HostInUse,)
    # Seats that were given back long ago.
    ignored_uses: ClassVar = (Lease,)
    list_display = ("name", "enabled", "transport", "address", "state", "state_since", "seats", "taken")
    list_filter = ("enabled", "state", "transport")
    search_fields = ("name", "address")
    readonly_fields = (*STATE_COLUMNS, "has_own_key")
    actions = ("enable", "disable", ACTION)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "transport", "seats")}),
        (_("SSH"), {"fields": ("address", "port", "user", "key", "host_keys")}),
        (_("A private key of its own"), {"fields": ("has_own_key", "private_key", "passphrase", "is_key_removed")}),
        (_("Directories"), {"fields": ("directory", "input_directory", "output_directory")}),
        (_("Before and around jobs"), {"fields": ("startup_commands", "variables")}),
        (_("What its engine knows"), {"fields": STATE_COLUMNS}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Host]:
        return super().get_queryset(request).annotate(_taken=Count("leases", filter=Q(leases__released_at=None)))

    @admin.display(description=_("taken"))
    def taken(self, host: Host) -> int:
        return int(host._taken)  # type: ignore[attr-defined]

    @admin.display(description=_("given"), boolean=True)
    def has_own_key(self, host: Host) -> bool:
        return hasattr(host, "credential")

    def save_model(self, request: HttpRequest, obj: Host, form: forms.Form, change: bool) -> None:
        told = cast(HostForm, form)
        save_host(obj, given=told.given, is_key_removed=told.cleaned_data["is_key_removed"])

    def remove(self, row: Host) -> None:
        remove(row)

    def remove_forced(self, row: Host) -> None:
        remove_host(row, is_forced=True)

    @admin.action(description=_("Enable selected hosts"), permissions=["change"])
    def enable(self, request: HttpRequest, hosts: QuerySet[Host]) -> None:
        self._set_enabled(request, hosts, is_enabled=True)

    @admin.action(description=_("Disable selected hosts: what runs there goes on"), permissions=["change"])
    def disable(self, request: HttpRequest, hosts: QuerySet[Host]) -> None:
        self._set_enabled(request, hosts, is_enabled=False)

    def _set_enabled(self, request: HttpRequest, hosts: QuerySet[Host], *, is_enabled: bool) -> None:
        changing = list(policy.permitted(person(request), "change", hosts.exclude(enabled=is_enabled)))
        for host in changing:
            with changed(host):
                host.enabled = is_enabled
                host.save(update_fields=["enabled"])
            self.log_change(request, host, [{"changed": {"fields": ["enabled"]}}])
        done = (
            ngettext("%(count)d host was enabled.", "%(count)d hosts were enabled.", len(changing))
            if is_enabled
            else ngettext("%(count)d host was disabled.", "%(count)d hosts were disabled.", len(changing))
        )
        self.message_user(request, done % {"count": len(changing)}, messages.SUCCESS)


class MemberInline(PolicedInline[PoolMember]):
    model = PoolMember
    fields = ("position", "host")
    extra = 0
    verbose_name_plural = _("hosts, in the order in which they are tried")


@admin.register(Pool)
class PoolAdmin(SharedAdmin[Pool]):
    inlines = (MemberInline,)
    refusals = (HostInUse,)
    list_display = ("name", "title", "members")
    search_fields = ("name", "title", "=hosts__name")
    fields = ("name", "title")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        return super().get_queryset(request).prefetch_related("members__host")

    @admin.display(description=_("hosts"))
    def members(self, pool: Pool) -> str:
        return ", ".join(member.host.name for member in pool.members.all())

    def remove(self, row: Pool) -> None:
        remove(row)


@admin.register(Lease)
class LeaseAdmin(RecordAdmin[Lease]):
    list_display = ("id", "host", "seat", "holder", "taken_at", "released_at")
    list_filter = ("host", ("released_at", admin.EmptyFieldListFilter))
    list_select_related = ("host",)
    ordering = ("-id",)


@admin.register(Ownership)
class OwnershipAdmin(RecordAdmin[Ownership]):
    list_display = ("host", "owner", "token", "expires_at", "journal_offset")
    list_select_related = ("host",)
    ordering = ("host",)
