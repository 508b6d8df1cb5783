"""What people may ask of a job, as buttons: each is shown only where it is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.models import User
from jobs.models import Attempt, AttemptRequest, Job, JobState, Phase
from jobs.problems import Refused
from jobs.queueing import control
from jobs.web.live import person
from jobs.web.rows import cut, values_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN_CHARACTERS: Final = 400
ENDING: Final = frozenset({AttemptRequest.CANCEL, AttemptRequest.KILL})


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask. `does` is said beside it; `costs`, if anything, before it is asked of a running job."""

    verb: str
    title: StrOrPromise
    does: StrOrPromise
    icon: str
    call: Callable[..., bool]
    costs: StrOrPromise = ""

    def is_confirmed(self, job: Job) -> bool:
        """Whether people are asked once more first: what it ends cannot be brought back."""
        return bool(self.costs) and job.state == JobState.RUNNING


ASKS: Final[dict[str, Ask]] = {
    ask.verb: ask
    for ask in (
        Ask("hold", gettext_lazy("Hold"), gettext_lazy("Keep it from starting"), "hold", control.hold),
        Ask("release", gettext_lazy("Release"), gettext_lazy("Let it go on"), "release", control.release),
        Ask("pause", gettext_lazy("Pause"), gettext_lazy("Freeze its processes"), "pause", control.pause),
        Ask("resume", gettext_lazy("Resume"), gettext_lazy("Let its processes go on"), "play", control.resume),
        Ask("retry", gettext_lazy("Retry"), gettext_lazy("Run it once more"), "retry", control.retry),
        Ask(
            "cancel", gettext_lazy("Cancel"), gettext_lazy("End it, with time to tidy up"), "stop", control.cancel,
            gettext_lazy("Its command is asked to end and has a while to tidy up. What it has not finished is lost."),
        ),
        Ask(
            "kill", gettext_lazy("Kill"), gettext_lazy("End it at once"), "kill", control.kill,
            gettext_lazy("Its processes end at once, without a chance to tidy up. What they have not written is lost."),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """An ask that is possible now; `is_confirmed`: by way of a page that asks once more."""

    ask: Ask
    is_confirmed: bool


def possible(job: Job, attempts: Iterable[Attempt], *, user: User) -> Sequence[Offer]:
    """What `user` may ask of `job` now."""
    verbs = _verbs(job, next((one for one in attempts if one.finished_at is None), None))
    asks = [ask for verb, ask in ASKS.items() if verb in verbs and policy.may(user, verb, job)]
    return [Offer(ask, ask.is_confirmed(job)) for ask in asks]


def _verbs(job: Job, attempt: Attempt | None) -> frozenset[str]:
    if JobState(job.state).is_final:
        return frozenset({"retry"})
    if job.state in control.WAITING:
        return frozenset({"cancel", "release" if job.is_held else "hold"})
    if attempt is None:
        return frozenset({"cancel", "kill"})
    if attempt.request in ENDING:
        return frozenset({"kill"}) if attempt.request == AttemptRequest.CANCEL else frozenset()
    is_paused = attempt.request == AttemptRequest.PAUSE or attempt.phase == Phase.PAUSED
    if is_paused and attempt.request != AttemptRequest.RESUME:
        return frozenset({"cancel", "kill", "resume"})
    return frozenset({"cancel", "kill", "pause"} if attempt.phase == Phase.RUNNING else {"cancel", "kill"})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_job(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Ask it of the job, then show the job. Without POST: the page that asks once more."""
    if verb not in ASKS:
        raise Http404
    rows = Job.objects.select_related("type", "queue", "owner")
    job = policy.job_for(person(request), pk, verb=verb, rows=rows)
    if request.method != "POST":
        return _asked_once_more(request, job, ASKS[verb])
    try:
        is_done = ASKS[verb].call(job, actor=person(request).get_username(), at=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("job", pk=pk)
    told = _("Job %(job)s: %(verb)s, done.") if is_done else _("Job %(job)s was asked: %(verb)s.")
    messages.success(request, told % {"job": job.pk, "verb": str(ASKS[verb].title).lower()})
    return redirect("job", pk=pk)


def _asked_once_more(request: HttpRequest, job: Job, ask: Ask) -> HttpResponse:
    title = _("%(verb)s job %(job)s?") % {"verb": ask.title, "job": job.pk}
    told = {"title": title, "text": ask.costs or ask.does, "icon": ask.icon, "word": ask.title}
    back = reverse("job", kwargs={"pk": job.pk})
    about = f"{job.type.name} · {job.queue.name} · {job.owner.get_username()}"
    what = "\n".join(f"{name}: {cut(value, SHOWN_CHARACTERS)}" for name, value in values_of(job))
    answer = render(request, "confirm.html", {**told, "back": back, "about": about, "what": what})
    answer["Cache-Control"] = "no-store"
    return answer
