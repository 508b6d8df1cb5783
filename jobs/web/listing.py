"""The list of jobs: the newest first, narrowed by what people ask for, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import policy
from accounts.models import User
from hosts.models import Host
from jobs.models import Attempt, Job, JobState, JobType, Queue
from jobs.queueing.control import WAITING
from jobs.web.live import answer, person
from jobs.web.rows import rows_of
from scheduler_site.keyset import Cursor, Order, page

PAGE_ROWS: Final = 50
LAST_ID: Final = 2**63 - 1
NEWEST_FIRST: Final = Order.of(("-id",))
GROUPS: Final = {
    "waiting": tuple(sorted(WAITING)),
    "finished": tuple(sorted(JobState.final())),
}
STATES: Final = [
    ("", gettext_lazy("any state")),
    ("waiting", gettext_lazy("waiting")),
    ("finished", gettext_lazy("finished")),
    *((state.value, state.label) for state in JobState),
]


class FilterForm(forms.Form):
    """What the list may be narrowed by, and where its page begins."""

    state = forms.ChoiceField(choices=STATES, required=False, label=gettext_lazy("State"))
    queue = forms.ModelChoiceField(
        Queue.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Queue")
    )
    type = forms.ModelChoiceField(
        JobType.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Type")
    )
    host = forms.ModelChoiceField(Host.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Host"))
    owner = forms.CharField(max_length=150, required=False, label=gettext_lazy("Owner"))
    before = forms.IntegerField(min_value=0, max_value=LAST_ID, required=False, widget=forms.HiddenInput)
    after = forms.IntegerField(min_value=0, max_value=LAST_ID, required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data, auto_id="filter-%s")
        models: dict[str, type[Model]] = {"queue": Queue, "type": JobType, "host": Host}
        for name, model in models.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (declared so above)
            field.queryset = policy.visible(user, model._default_manager.all())
            field.empty_label = _("any")
            field.error_messages["invalid_choice"] = _("There is none of this name.")
        self.fields["owner"].widget.attrs |= {"autocomplete": "off", "placeholder": _("anybody")}

    def clean_owner(self) -> User | None:
        name = self.cleaned_data["owner"].strip()
        if not name:
            return None
        owner = User.objects.filter(username=name).first()
        if owner is None:
            raise forms.ValidationError(_('There is no user "%(name)s".'), params={"name": name})
        return owner

    def narrow(self, jobs: QuerySet[Job]) -> list[QuerySet[Job]]:
        """Those of `jobs` that are asked for: state by state, so that each list has an index of its own."""
        asked = self.cleaned_data
        for name in ("queue", "type", "owner"):
            if asked[name] is not None:
                jobs = jobs.filter(**{name: asked[name]})
        if host := asked["host"]:
            jobs = jobs.filter(Q(host=host) | Exists(Attempt.objects.filter(job=OuterRef("pk"), host=host)))
        state = asked["state"]
        return [jobs.filter(state=one) for one in GROUPS.get(state, (state,))] if state else [jobs]

    @property
    def is_narrowing(self) -> bool:
        """Whether anything is asked for."""
        return any(self.cleaned_data.get(name) for name in ("state", "queue", "type", "host", "owner"))


@login_required
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs, the newest first."""
    user, at = person(request), timezone.now()
    policy.require(user, "view", Job)
    form = FilterForm(request.GET, user=user)
    is_valid = form.is_valid()

    def told() -> dict[str, Any]:
        found: dict[str, Any] = {"jobs": []}
        if is_valid:
            found = _page(form.narrow(policy.visible(user, _rows())), form)
        links = {key: _address(request, **{key: value}) for key, value in found.items() if key != "jobs" and value}
        return {
            "form": form,
            "rows": rows_of(found["jobs"]),
            "newer": links.get("after"),
            "older": links.get("before"),
            # What was refused once is refused again.
            "is_live": is_valid,
            "is_narrowed": not is_valid or form.is_narrowing,
            "may_submit": policy.may(user, "add", Job),
        }

    status = 200 if is_valid else 400
    return answer(request, page="jobs/job_list.html", part="jobs/part_jobs.html", at=at, told=told, status=status)


def _rows() -> QuerySet[Job]:
    attempts = Attempt.objects.filter(job=OuterRef("pk")).order_by("-number")
    rows = Job.objects.select_related("queue", "type", "owner", "host").defer("type__template")
    return rows.annotate(ran_on=Subquery(attempts.values("host__name")[:1]))


def _page(parts: Iterable[QuerySet[Job]], form: FilterForm) -> dict[str, Any]:
    """The jobs of one page, and the ids to go on from: `before` for older ones, `after` for newer ones."""
    before, after = form.cleaned_data["before"], form.cleaned_data["after"]
    cursor = Cursor((before,), is_backwards=False) if before is not None else None
    if after is not None:
        cursor = Cursor((after,), is_backwards=True)
    jobs, newer, older = page(parts, order=NEWEST_FIRST, cursor=cursor, size=PAGE_ROWS)
    return {
        "jobs": jobs,
        "before": older.values[0] if older else None,
        "after": newer.values[0] if newer else None,
    }


def _address(request: HttpRequest, **words: int) -> str:
    query = request.GET.copy()
    for name in ("before", "after", "seen"):
        query.pop(name, None)
    for name, value in words.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"
