"""Submitting a job: choose its type, fill in the form."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from jobs.models import Job, JobType, Queue
from jobs.parameters import ParameterType
from jobs.problems import Problems, Refused
from jobs.queueing.declarations import parameters_of
from jobs.queueing.files import UPLOAD_LIMIT_BYTES
from jobs.queueing.submit import submit
from jobs.web.files import kept, offered, told_of
from jobs.web.forms import PREFIX, UPLOAD, SubmitForm, new_key
from jobs.web.live import person
from scheduler_site.api.admission import check_room
from scheduler_site.api.errors import Unavailable
from scheduler_site.signing_in import kept_form, login_keeps_form

ID_DIGITS: Final = 18


@login_required
@require_safe
def choose_type(request: HttpRequest) -> HttpResponse:
    """What kinds of work there are."""
    user = person(request)
    policy.require(user, "add", Job)
    kinds = policy.submittable(user, JobType.objects.defer("template").prefetch_related("parameters"))
    may_add = policy.may_administer(user, "add", JobType)
    return render(request, "jobs/choose_type.html", {"kinds": kinds, "may_add": may_add, "has_queue": _has_queue(user)})


def _has_queue(user: Any) -> bool:
    return policy.submittable(user, Queue.objects.all()).exists()


@login_keeps_form
@require_http_methods(["GET", "HEAD", "POST"])
def submit_job(request: HttpRequest, name: str) -> HttpResponse:
    """The form of a type; a job once it is filled in."""
    user = person(request)
    kind = policy.submittable_type(user, JobType.objects.prefetch_related("parameters"), name)
    if request.method != "POST":
        initial = _initial(request, kind) | kept_form(request)
        return _shown(request, SubmitForm(kind=kind, user=user, initial=initial), status=200)
    data, wrong = _received(request, kind)
    form = SubmitForm(data, kind=kind, user=user)
    for name, told in wrong.items():
        form.errors.pop(name, None)
        form.add_error(name, told)
    if not form.is_valid():
        return _shown(request, form, status=400)
    return _submitted(request, form)


def _received(request: HttpRequest, kind: JobType) -> tuple[QueryDict, dict[str, str]]:
    """What was sent, with the path of each uploaded file in its field; and what is wrong with uploads, by field."""
    data, wrong = request.POST.copy(), dict[str, str]()
    for parameter in parameters_of(kind):
        upload = request.FILES.get(UPLOAD + parameter.name)
        if upload is None or parameter.type != ParameterType.INPUT_FILE:
            continue
        try:
            data[PREFIX + parameter.name] = kept(upload)
        except (Problems, Refused, Unavailable) as found:
            wrong[PREFIX + parameter.name] = told_of(found)
    return data, wrong


def _submitted(request: HttpRequest, form: SubmitForm) -> HttpResponse:
    """The new job's page, or the form again with what is wrong and all that was entered."""
    try:
        check_room()
        policy.require_submission(person(request), [form.request()])
        key = f"form:{form.cleaned_data['key']}"
        job = submit(form.request(), owner=person(request), at=timezone.now(), idempotency_key=key)
    except Problems as found:
        form.add_problems(found)
        return _shown(request, form, status=400)
    except PermissionDenied as denied:
        form.add_error(None, str(denied))
        return _shown(request, form, status=403)
    except Unavailable as full:
        form.add_error(None, str(full.detail))
        return _shown(request, form, status=503)
    except Refused:
        return _sent_before(request, form)
    messages.success(request, _("Job %(job)s is submitted.") % {"job": job.pk})
    return redirect("job", pk=job.pk)


def _sent_before(request: HttpRequest, form: SubmitForm) -> HttpResponse:
    """The form was sent before with other values: sending it once more, under a new key, makes another job."""
    form.add_error(None, _("This form made a job already. Submit once more to make another with these values."))
    form.data = {**form.data, "key": new_key()}
    return _shown(request, form, status=409)


def _shown(request: HttpRequest, form: SubmitForm, *, status: int) -> HttpResponse:
    has_uploads = any(parameter.type == ParameterType.INPUT_FILE for parameter in form.declared)
    # Whoever may not list the files has to know the path.
    may_list = policy.may_everywhere(person(request), "view", Job)
    told = {
        "form": form,
        "kind": form.kind,
        "offered": offered() if has_uploads and may_list else [],
        "has_uploads": has_uploads,
    }
    return render(request, "jobs/submit.html", {**told, "limit_bytes": UPLOAD_LIMIT_BYTES}, status=status)


def _initial(request: HttpRequest, kind: JobType) -> dict[str, Any]:
    """A new form's values: the queue of `?queue`, or all that the job of `?like` has."""
    initial: dict[str, Any] = {"key": new_key()}
    text = request.GET.get("like", "")
    if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS:
        job = policy.job_for(person(request), int(text), rows=Job.objects.select_related("queue", "host"))
        initial |= {"queue": job.queue.name, "host": job.host.name if job.host else None, "notes": job.notes,
                    "priority": job.priority}  # fmt: skip
        return initial | ({PREFIX + key: value for key, value in job.params.items()} if job.type_id == kind.pk else {})
    open_queues = policy.submittable(person(request), Queue.objects.all(), kind=kind)
    queues = list(open_queues.values_list("name", flat=True)[:2])
    only = queues[0] if len(queues) == 1 else None
    return initial | {"queue": request.GET.get("queue") or only}
