"""Gives a job another place: by the buttons of its queue's line, or by a form that also knows other queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.models import User
from jobs.models import Job, Queue
from jobs.problems import Refused
from jobs.queueing import control
from jobs.web.live import person

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ID_DIGITS: Final = 18
LAST_ID: Final = 2**63 - 1
MOVES: Final[Mapping[str, StrOrPromise]] = {
    "first": gettext_lazy("To the front"),
    "up": gettext_lazy("One up"),
    "down": gettext_lazy("One down"),
    "last": gettext_lazy("To the end"),
}


@login_required
@require_POST
def move_job(request: HttpRequest, pk: int, place: str) -> HttpResponse:
    """Move the job within its queue, then show the queue where the job was."""
    if place not in MOVES:
        raise Http404
    job = policy.job_for(person(request), pk, verb="move", rows=Job.objects.select_related("queue"))
    try:
        control.move_to(job, place=place, actor=person(request).get_username(), at=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Job %(job)s: %(place)s, done.") % {"job": job.pk, "place": MOVES[place]})
    return _to_line(job, after_of(request.POST))


def _to_line(job: Job, after: int | None = None) -> HttpResponseRedirect:
    query = f"?after={after}" if after else ""
    return redirect(f"{reverse('queue', args=[job.queue.name])}{query}#job-{job.pk}")


def after_of(told: QueryDict) -> int | None:
    """Behind which job a page of a queue's line begins."""
    text = told.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS else None


class PlaceForm(forms.Form):
    """A queue, and before which of its jobs."""

    queue = forms.ModelChoiceField(
        Queue.objects.none(), to_field_name="name", empty_label=None, label=gettext_lazy("Queue")
    )
    before = forms.IntegerField(
        min_value=1, max_value=LAST_ID, required=False, label=gettext_lazy("Before job"),
        help_text=gettext_lazy("The number of a job that waits there. Empty: behind all."),
    )  # fmt: skip

    def __init__(self, data: QueryDict | None, *, user: User, job: Job) -> None:
        super().__init__(data, initial={"queue": job.queue.name})
        self._user, self._job = user, job
        field = self.fields["queue"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (declared so above)
        field.queryset = policy.visible(user, Queue.objects.all())

    def clean_queue(self) -> Queue:
        try:
            return policy.target_queue(self._user, self._job, self.cleaned_data["queue"].name)
        except PermissionDenied as denied:
            raise forms.ValidationError(str(denied)) from denied

    def clean_before(self) -> Job | None:
        number = self.cleaned_data["before"]
        try:
            return policy.job_for(self._user, number) if number is not None else None
        except policy.Missing as missing:
            raise forms.ValidationError(missing.problem.message) from missing


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def place_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the job into a queue and before another job, then show that queue."""
    user = person(request)
    job = policy.job_for(user, pk, verb="move", rows=Job.objects.select_related("queue", "type"))
    form = PlaceForm(request.POST if request.method == "POST" else None, user=user, job=job)
    if form.is_valid() and _is_put(form, job, actor=user.get_username()):
        messages.success(request, _("Job %(job)s is moved.") % {"job": job.pk})
        return _to_line(job)
    return render(request, "jobs/place_job.html", {"form": form, "job": job}, status=400 if form.errors else 200)


def _is_put(form: PlaceForm, job: Job, *, actor: str) -> bool:
    asked = form.cleaned_data
    try:
        return control.move_to(job, queue=asked["queue"], before=asked["before"], actor=actor, at=timezone.now())
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
