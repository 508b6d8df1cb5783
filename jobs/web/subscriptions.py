"""What one wants to be told of: the own subscriptions, and what became of what there was to tell."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.models import User
from hosts.models import Host
from jobs.config.subscriptions import URL_LENGTH, define_subscription, remove_subscription, resend
from jobs.models import Delivery, JobType, Notice, NoticeKind, Queue, Subscription
from jobs.models.subscription import LATE_LIMIT_SECONDS
from jobs.notices.words import line_of
from jobs.problems import Problems, Refused
from jobs.web.live import person
from scheduler_site.admin_parts import show_problems

SHOWN_NOTICES: Final = 30
MINUTE_SECONDS: Final = 60
ANY: Final = gettext_lazy("any")


class SubscriptionForm(forms.Form):
    """A new subscription."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("What it is for."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )  # fmt: skip
    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=URL_LENGTH,
        help_text=gettext_lazy(
            "Such as mailto://user:password@mail.example.org?to=me@example.org. It is not shown again."
        ),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell me when"), choices=NoticeKind.choices, widget=forms.CheckboxSelectMultiple
    )
    only_own = forms.BooleanField(
        label=gettext_lazy("Only my own jobs"), required=False, initial=True,
        help_text=gettext_lazy("Else all jobs that I may see."),
    )  # fmt: skip
    late_after_minutes = forms.IntegerField(
        label=gettext_lazy("Late after (minutes)"), required=False, min_value=0,
        max_value=LATE_LIMIT_SECONDS // MINUTE_SECONDS,
        help_text=gettext_lazy("From the time a job should not start before, or else from its submission."),
    )  # fmt: skip
    queue = forms.ModelChoiceField(
        Queue.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Queue"), empty_label=ANY
    )
    type = forms.ModelChoiceField(
        JobType.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Type"), empty_label=ANY
    )
    host = forms.ModelChoiceField(
        Host.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Host"), empty_label=ANY,
        help_text=gettext_lazy("For news of hosts."),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **told: Any) -> None:
        super().__init__(*args, **told)
        for name, model in (("queue", Queue), ("type", JobType), ("host", Host)):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (see above)
            field.queryset = policy.visible(user, model._default_manager.order_by("name"))

    def described(self) -> dict[str, Any]:
        """What the form says, as the API's bodies do. For a form that is valid."""
        given = self.cleaned_data
        minutes = given["late_after_minutes"]
        return {
            **{key: given[key] for key in ("name", "url", "events", "only_own")},
            **{key: given[key].name if given[key] else None for key in ("queue", "type", "host")},
            "late_after": None if minutes is None else minutes * MINUTE_SECONDS,
        }


@sensitive_post_parameters("url")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def subscriptions(request: HttpRequest) -> HttpResponse:
    """The own subscriptions, and a form for another."""
    user = person(request)
    form = SubscriptionForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid() and (made := _define(form, user)):
        messages.success(request, _("%(name)s is subscribed.") % {"name": made.name})
        return redirect("subscriptions")
    own = policy.own_subscriptions(user).select_related("queue", "type", "host")
    notices = Notice.objects.filter(subscription__owner=user).exclude(delivery=Delivery.WAITING, tries=0)
    shown = [(one, line_of(one)) for one in notices.select_related("subscription").order_by("-id")[:SHOWN_NOTICES]]
    told = {"form": form, "subscriptions": own, "notices": shown, "has_dead": _with_dead(user)}
    return render(request, "jobs/subscriptions.html", told, status=400 if form.is_bound else 200)


def _define(form: SubscriptionForm, user: User) -> Subscription | None:
    """The new subscription; None if the form now tells what is wrong."""
    try:
        return define_subscription(form.described(), owner=user, at=timezone.now())
    except Problems as found:
        show_problems(form, found.problems, fields={"late_after": "late_after_minutes"})
    except Refused as refused:
        form.add_error(None, str(refused))
    return None


def _with_dead(user: User) -> set[int]:
    """The own subscriptions of which notices were given up."""
    dead = Notice.objects.filter(subscription__owner=user, delivery=Delivery.DEAD)
    return set(dead.order_by().values_list("subscription_id", flat=True).distinct())


@login_required
@require_POST
def change_subscription(request: HttpRequest, pk: int, word: str) -> HttpResponse:
    """Enable or disable one's own subscription, or try again what was given up."""
    user, at = person(request), timezone.now()
    row = policy.own_subscription(user, pk)
    if word == "resend":
        count = resend(row, at=at)
        messages.success(request, _("%(count)s notices are tried again.") % {"count": count})
    else:
        define_subscription({"enabled": word == "enable"}, owner=user, at=at, row=row)
        told = _("%(name)s is enabled.") if word == "enable" else _("%(name)s is disabled.")
        messages.success(request, told % {"name": row.name})
    return redirect("subscriptions")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def end_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one's own subscription. Without POST: asks first."""
    row = policy.own_subscription(person(request), pk)
    if request.method == "POST":
        remove_subscription(row)
        messages.success(request, _("%(name)s is removed.") % {"name": row.name})
        return redirect("subscriptions")
    told = {
        "title": _("Remove this subscription?"),
        "what": f"{row.name}\n{row.place}",
        "text": _("What it has not been told of yet is not sent any more."),
        "icon": "trash",
        "word": _("Remove"),
        "back": reverse("subscriptions"),
    }
    return render(request, "confirm.html", told)
