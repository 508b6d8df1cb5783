from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext

from accounts import policy
from accounts.audit import changed
from accounts.models import User
from jobs.config.definitions import queue_problems
from jobs.config.removal import remove_queue
from jobs.models import Job, JobState, Queue
from jobs.problems import Problem, Refused
from jobs.queueing.bell import ring
from scheduler_site.admin_forced import ACTION, ForcedAdmin
from scheduler_site.admin_parts import CheckedForm
from scheduler_site.policed_admin import person


class QueueForm(CheckedForm[Queue]):
    def problems_of(self, row: Queue) -> list[Problem]:
        return queue_problems(row)


def jobs_in(user: User, *states: JobState) -> Coalesce:
    """How many jobs of a queue that `user` may see are in `states`, as a column of its row."""
    jobs = policy.visible(user, Job.objects.filter(queue=OuterRef("pk"), state__in=states))
    found = jobs.order_by().values("queue")
    return Coalesce(Subquery(found.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)


@admin.register(Queue)
class QueueAdmin(ForcedAdmin[Queue]):
    form = QueueForm
    refusals = (Refused,)
    list_display = ("name", "title", "enabled", "schedule", "host", "pool", "max_running", "waiting", "running")
    list_filter = ("enabled", "schedule")
    list_select_related = ("schedule", "host", "pool")
    search_fields = ("name", "title")
    actions = ("enable", "disable", ACTION)
    fieldsets = (
        (None, {"fields": ("name", "title", "enabled", "schedule")}),
        (gettext_lazy("Where its jobs run"), {"fields": ("host", "pool")}),
        (gettext_lazy("How many at once"), {"fields": ("max_running", "weight", "autostart_count")}),
        (gettext_lazy("How long finished jobs are kept"), {"fields": ("keep_days",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        user = person(request)
        waiting, running = jobs_in(user, JobState.BLOCKED, JobState.READY), jobs_in(user, JobState.RUNNING)
        return super().get_queryset(request).annotate(_waiting=waiting, _running=running)

    def view_on_site(self, queue: Queue) -> str:
        return reverse("queue", args=[queue.name])

    @admin.display(description=gettext_lazy("waiting"))
    def waiting(self, queue: Queue) -> int:
        return int(queue._waiting)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("running"))
    def running(self, queue: Queue) -> int:
        return int(queue._running)  # type: ignore[attr-defined]

    def remove(self, row: Queue) -> None:
        remove_queue(row)

    def remove_forced(self, row: Queue) -> None:
        remove_queue(row, is_forced=True)

    def save_model(self, request: HttpRequest, obj: Queue, form: Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ring()

    @admin.action(description=gettext_lazy("Enable selected queues"), permissions=["change"])
    def enable(self, request: HttpRequest, queues: QuerySet[Queue]) -> None:
        self._set_enabled(request, queues, is_enabled=True)

    @admin.action(
        description=gettext_lazy("Disable selected queues: they take jobs and start none"), permissions=["change"]
    )
    def disable(self, request: HttpRequest, queues: QuerySet[Queue]) -> None:
        self._set_enabled(request, queues, is_enabled=False)

    def _set_enabled(self, request: HttpRequest, queues: QuerySet[Queue], *, is_enabled: bool) -> None:
        changing = list(policy.permitted(person(request), "change", queues.exclude(enabled=is_enabled)))
        for queue in changing:
            with changed(queue):
                queue.enabled = is_enabled
                queue.save(update_fields=["enabled"])
            self.log_change(request, queue, [{"changed": {"fields": ["enabled"]}}])
        ring()
        done = (
            ngettext("%(count)d queue was enabled.", "%(count)d queues were enabled.", len(changing))
            if is_enabled
            else ngettext("%(count)d queue was disabled.", "%(count)d queues were disabled.", len(changing))
        )
        self.message_user(request, done % {"count": len(changing)}, messages.SUCCESS)
