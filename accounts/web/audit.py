"""Who changed what, for those who may do everything."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import policy, trail
from accounts.models import AuditEntry, User

PAGE_ROWS: Final = 50
LAST_ID: Final = 2**63 - 1
QUIET: Final = {"autocomplete": "off"}


class FilterForm(forms.Form):
    """What the list may be narrowed by, and where its page begins."""

    actor = forms.CharField(label=_("Who"), max_length=150, required=False, widget=forms.TextInput(QUIET))
    action = forms.CharField(label=_("Did"), max_length=32, required=False, widget=forms.TextInput(QUIET))
    kind = forms.CharField(label=_("Kind"), max_length=50, required=False, widget=forms.TextInput(QUIET))
    name = forms.CharField(label=_("What"), max_length=200, required=False, widget=forms.TextInput(QUIET))
    since = forms.DateTimeField(
        label=_("Since (UTC)"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=_("Until (UTC)"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"})
    )
    before = forms.IntegerField(min_value=0, max_value=LAST_ID, required=False, widget=forms.HiddenInput)


@never_cache
@login_required
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Entries, the newest first."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101  (nobody else is let in)
    policy.require(user, "view", AuditEntry)
    form = FilterForm(request.GET)
    is_valid = form.is_valid()
    entries = _page(form.cleaned_data) if is_valid else []
    query = request.GET.copy()
    query.pop("before", None)
    told: dict[str, Any] = {
        "form": form,
        "entries": entries[:PAGE_ROWS],
        "query": query.urlencode(),
        "is_narrowed": bool(query),
        "older": None,
    }
    if len(entries) > PAGE_ROWS:
        query["before"] = str(entries[PAGE_ROWS - 1].pk)
        told["older"] = f"?{query.urlencode()}"
    return render(request, "accounts/audit.html", told, status=200 if is_valid else 400)


def _page(asked: dict[str, Any]) -> list[AuditEntry]:
    """One more than a page has, so that it is known whether there is another."""
    rows = trail.narrowed(AuditEntry.objects.order_by("-id"), asked)
    before = asked["before"]
    return list((rows if before is None else rows.filter(pk__lt=before))[: PAGE_ROWS + 1])
