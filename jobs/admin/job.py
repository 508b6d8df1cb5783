from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from accounts import policy
from accounts.models import User
from jobs.admin.job_forms import ONCE, ChangeForm, SubmitForm
from jobs.config.removal import remove_job
from jobs.dispatch.explain import explain
from jobs.models import Attempt, Event, Job, JobState, JobType
from jobs.problems import Refused
from jobs.queueing import control
from scheduler_site.admin_parts import RefusingAdmin, table
from scheduler_site.policed_admin import person

SHOWN_EVENTS = 200
SHOWN_REFUSALS = 10
LAST_ID = 2**63 - 1
# The colours that unfold has, by state.
COLOURS: dict[str, str] = {"blocked": "warning", "running": "info", "succeeded": "success", "failed": "danger"}

Verb = Callable[..., bool]


@admin.register(Job)
class JobAdmin(RefusingAdmin[Job]):
    refusals = (Refused,)
    list_display = (
        "id", "queue", "type", "told_state", "owner", "last_host", "created_at", "started_at", "finished_at"
    )  # fmt: skip
    list_filter = ("state", "queue", "type", "host", "owner", "created_at")
    # As in the pages: a hundred take twice as long.
    list_per_page = 50
    list_select_related = ("queue", "type", "owner", "host")
    # What is looked for is decided by `get_search_results`; this only shows the box.
    search_fields = ("id",)
    search_help_text = gettext_lazy("A job's number, or a part of its notes or parameters")
    show_full_result_count = False
    actions = (
        "hold", "release", "cancel", "kill", "pause", "resume", "retry",
        "move_first", "move_up", "move_down", "move_last",
    )  # fmt: skip
    ASKED: ClassVar = (
        (None, {"fields": ("queue", "type", "params", "host")}),
        (gettext_lazy("When"), {"fields": ("priority", "not_before", "is_held")}),
        (None, {"fields": ("notes",)}),
    )
    KNOWN: ClassVar = (
        (None, {"fields": ("queue", "type", "owner", "host", "values", "priority", "notes")}),
        (gettext_lazy("State"), {"fields": ("state", "reason", "waits_for", "not_before", "is_held", "retry_at")}),
        (gettext_lazy("Times"), {"fields": ("created_at", "started_at", "finished_at", "exit_code")}),
        (gettext_lazy("Attempts"), {"fields": ("attempt_table",)}),
        (gettext_lazy("History"), {"fields": ("event_table",)}),
    )

    def offered(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return policy.submittable(person(request), rows)

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        attempts = Attempt.objects.filter(job=OuterRef("pk")).order_by("-number")
        return super().get_queryset(request).annotate(_ran_on=Subquery(attempts.values("host__name")[:1]))

    def view_on_site(self, job: Job) -> str:
        return reverse("job", args=[job.pk])

    @display(ordering="state", label=COLOURS)
    @admin.display(description=gettext_lazy("state"))
    def told_state(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @admin.display(description=gettext_lazy("host"))
    def last_host(self, job: Job) -> str:
        """Where its last attempt is or was; before that, where it is asked to run."""
        return job._ran_on or (job.host.name if job.host else "")  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        word = search_term.strip()
        if not word:
            return queryset, False
        # Databases differ in whether they keep letters beyond ASCII escaped in JSON.
        found = Q(notes__icontains=word) | Q(params__icontains=word) | Q(params__icontains=json.dumps(word)[1:-1])
        if word.isascii() and word.isdecimal() and len(word) < 20 and int(word) <= LAST_ID:
            found |= Q(pk=int(word))
        return queryset.filter(found), False

    # --- one job ---

    def get_fieldsets(self, request: HttpRequest, obj: Job | None = None) -> Any:
        return self.ASKED if obj is None else self.KNOWN

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        shown = [name for _title, options in self.KNOWN for name in options["fields"]]
        editable = {"notes", "priority"} if obj.state in control.WAITING else {"notes"}
        return tuple(name for name in shown if name not in editable)

    def get_form(
        self, request: HttpRequest, obj: Job | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Job]]:
        if obj is not None:
            told: type[ModelForm[Job]] = super().get_form(request, obj, change=change, **{"form": ChangeForm, **kwargs})
            return told
        # A class of its own for this request, so it may know who submits.
        form: type[ModelForm[Job]] = super().get_form(request, obj, change=change, **{"form": SubmitForm, **kwargs})
        cast(type[SubmitForm], form).submitter = cast(User, request.user)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?type=3` also writes the names and defaults of that type's parameters."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        number = str(initial.get("type", ""))
        kind = JobType.objects.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
        if kind is not None:
            initial["params"] = {row.name: row.default or "" for row in kind.parameters.all()}
        return initial

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if kwargs.get("add"):
            form = context["adminform"].form
            # A form that made a job already makes another one only when it is sent once more.
            sent = "" if getattr(form, "was_sent_before", False) else request.POST.get(ONCE, "")
            context["once"] = sent or secrets.token_hex(16)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Job:
        job: Job = super().save_form(request, form, change) if change else form.submitted
        return job

    def save_model(self, request: HttpRequest, obj: Job, form: Form, change: bool) -> None:
        """A new job is submitted already; of an old one, what was changed goes through the stage for it."""
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        if change and changed:
            control.change(obj, changed, actor=request.user.get_username(), at=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on a job that people could change."""

    @admin.display(description=gettext_lazy("parameters"))
    def values(self, job: Job) -> SafeString:
        return table([], [(name, code(value)) for name, value in job.params.items()])

    @admin.display(description=gettext_lazy("waits for"))
    def waits_for(self, job: Job) -> SafeString | str:
        """The dispatcher's own answer."""
        blockers = explain(job, at=timezone.now())
        if not blockers and job.state in control.WAITING:
            return _("Nothing: it starts with the dispatcher's next look.")
        return format_html_join("", "<div>{}</div>", ((blocker.message,) for blocker in blockers))

    @admin.display(description=gettext_lazy("attempts"))
    def attempt_table(self, job: Job) -> SafeString:
        heads = (
            _("number"),
            _("host"),
            _("phase"),
            _("outcome"),
            _("exit code"),
            _("started"),
            _("finished"),
            _("reason"),
        )
        rows = job.attempts.select_related("host")
        return table(
            heads,
            [
                (
                    row.number, row.host.name, row.get_phase_display(), row.get_outcome_display(), row.exit_code,
                    clock(row.started_at), clock(row.finished_at), row.reason,
                )
                for row in rows
            ],
        )  # fmt: skip

    @admin.display(description=gettext_lazy("events"))
    def event_table(self, job: Job) -> SafeString:
        """The last ones, in order."""
        rows = Event.objects.filter(job_id=job.pk).order_by("-id")[:SHOWN_EVENTS]
        heads = (_("when"), _("attempt"), _("from"), _("to"), _("who"), _("reason"))
        told = [(clock(row.at), row.attempt, row.was, row.now, row.actor, row.reason) for row in reversed(rows)]
        return table(heads, told)

    # --- what may be asked of jobs ---

    @admin.action(description=gettext_lazy("Cancel selected jobs"), permissions=["change"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "cancel", control.cancel)

    @admin.action(description=gettext_lazy("Kill selected jobs: end what runs at once"), permissions=["change"])
    def kill(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "kill", control.kill)

    @admin.action(description=gettext_lazy("Pause selected jobs: freeze what runs"), permissions=["change"])
    def pause(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "pause", control.pause)

    @admin.action(description=gettext_lazy("Resume selected jobs"), permissions=["change"])
    def resume(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "resume", control.resume)

    @admin.action(description=gettext_lazy("Hold selected jobs"), permissions=["change"])
    def hold(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "hold", control.hold)

    @admin.action(description=gettext_lazy("Release selected jobs"), permissions=["change"])
    def release(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "release", control.release)

    @admin.action(description=gettext_lazy("Retry selected jobs"), permissions=["change"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._ask(request, jobs, "retry", control.retry)

    @admin.action(description=gettext_lazy("Move selected jobs to the front of their queue"), permissions=["change"])
    def move_first(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._move(request, reversed(_in_line(jobs)), "first")

    @admin.action(description=gettext_lazy("Move selected jobs one up"), permissions=["change"])
    def move_up(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._move(request, _in_line(jobs), "up")

    @admin.action(description=gettext_lazy("Move selected jobs one down"), permissions=["change"])
    def move_down(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._move(request, reversed(_in_line(jobs)), "down")

    @admin.action(description=gettext_lazy("Move selected jobs to the end of their queue"), permissions=["change"])
    def move_last(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._move(request, _in_line(jobs), "last")

    def _move(self, request: HttpRequest, jobs: Iterable[Job], place: str) -> None:
        self._ask(request, jobs, "move", partial(control.move_to, place=place))

    def _ask(self, request: HttpRequest, jobs: Iterable[Job], word: str, verb: Verb) -> None:
        """Ask it of each job, then say how many did, how many are about to, and which refused and why."""
        answers: list[bool] = []
        refusals: list[str] = []
        for job in jobs:
            if not policy.may(person(request), word, job):
                refusals.append(_("Job %(job)d: you may not do this to it.") % {"job": job.pk})
                continue
            try:
                answers.append(verb(job, actor=request.user.get_username(), at=timezone.now()))
            except Refused as refusal:
                refusals.append(str(refusal))
        self._tell(request, done=answers.count(True), asked=answers.count(False), refusals=refusals)

    def _tell(self, request: HttpRequest, *, done: int, asked: int, refusals: Sequence[str]) -> None:
        if done:
            told = ngettext("%(count)d job: done.", "%(count)d jobs: done.", done)
            self.message_user(request, told % {"count": done}, messages.SUCCESS)
        if asked:
            told = ngettext("%(count)d running job was asked.", "%(count)d running jobs were asked.", asked)
            self.message_user(request, told % {"count": asked}, messages.SUCCESS)
        for refusal in refusals[:SHOWN_REFUSALS]:
            self.message_user(request, refusal, messages.ERROR)
        if len(refusals) > SHOWN_REFUSALS:
            more = _("%(count)d more refused.") % {"count": len(refusals) - SHOWN_REFUSALS}
            self.message_user(request, more, messages.ERROR)

    # --- deleting ---

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state != JobState.RUNNING)

    def get_deleted_objects(
        self, objs: QuerySet[Job] | Sequence[Job], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Attempts and their output go with a job: the permission for it is enough."""
        running = [job for job in objs if job.state == JobState.RUNNING]
        protected = [_("Job %(job)d, which runs. Cancel it first.") % {"job": job.pk} for job in running]
        name = str(self.model._meta.verbose_name_plural)
        return [str(job) for job in objs], {name: len(objs)}, self.not_permitted(request, "delete", objs), protected

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        remove_job(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            remove_job(job)


def _in_line(jobs: QuerySet[Job]) -> list[Job]:
    """In the order of their queues' lines, so that jobs that are moved together keep their order."""
    return list(jobs.order_by("-priority", "position", "id"))


def code(value: object) -> SafeString:
    """Text as it is, line breaks and all."""
    return format_html('<pre class="monospaced">{}</pre>', value)


def clock(moment: datetime | None) -> str:
    """A moment to the second, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
