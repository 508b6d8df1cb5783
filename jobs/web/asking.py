"""What people may ask of a job, as buttons: each is shown only where it is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import policy
from accounts.models import User
from jobs.models import Attempt, AttemptRequest, Job, JobState, Phase
from jobs.problems import Refused
from jobs.queueing import control
from jobs.web.live import person

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ENDING: Final = frozenset({AttemptRequest.CANCEL, AttemptRequest.KILL})


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask. `does` is said beside it.."""

    verb: str
    title: StrOrPromise
    does: StrOrPromise
    icon: str
    call: Callable[..., bool]
    is_dangerous: bool = False


ASKS: Final[dict[str, Ask]] = {
    ask.verb: ask
    for ask in (
        Ask("hold", gettext_lazy("Hold"), gettext_lazy("Keep it from starting"), "hold", control.hold),
        Ask("release", gettext_lazy("Release"), gettext_lazy("Let it go on"), "release", control.release),
        Ask("pause", gettext_lazy("Pause"), gettext_lazy("Freeze its processes"), "pause", control.pause),
        Ask("resume", gettext_lazy("Resume"), gettext_lazy("Let its processes go on"), "play", control.resume),
        Ask("retry", gettext_lazy("Retry"), gettext_lazy("Run it once more"), "retry", control.retry),
        Ask("cancel", gettext_lazy("Cancel"), gettext_lazy("End it, with time to tidy up"), "stop", control.cancel),
        Ask("kill", gettext_lazy("Kill"), gettext_lazy("End it at once"), "kill", control.kill, is_dangerous=True),
    )
}


def possible(job: Job, attempts: Iterable[Attempt], *, user: User) -> Sequence[Ask]:
    """What `user` may ask of `job` now."""
    verbs = _verbs(job, next((one for one in attempts if one.finished_at is None), None))
    return [ask for verb, ask in ASKS.items() if verb in verbs and policy.may(user, verb, job)]


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
@require_POST
def ask_job(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Ask it of the job, then show the job."""
    if verb not in ASKS:
        raise Http404
    job = policy.job_for(person(request), pk, verb=verb)
    try:
        is_done = ASKS[verb].call(job, actor=person(request).get_username(), at=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("job", pk=pk)
    told = _("Job %(job)s: %(verb)s, done.") if is_done else _("Job %(job)s was asked: %(verb)s.")
    messages.success(request, told % {"job": job.pk, "verb": str(ASKS[verb].title).lower()})
    return redirect("job", pk=pk)
