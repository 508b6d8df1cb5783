"""Who may do what: the one place that decides, asked by every edge and by nothing else.

What somebody may not see is missing for them; what they may see but not change is denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from accounts.models import Token, User
from jobs.models import Job
from jobs.problems import Problem, did_you_mean

Person = User | AnonymousUser
Row = TypeVar("Row", bound=Model)

# What is asked of a thing, as the permission that it needs.
NEEDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("view", "add", "change", "delete"), ""),
    **dict.fromkeys(("cancel", "kill", "pause", "resume", "retry", "move", "hold", "release"), "change"),
}
ID_LIMIT: Final = 2**63


class Missing(Http404):
    """There is no such thing for whoever asks."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def may(user: Person, verb: str, thing: Model | type[Model]) -> bool:
    """Whether `user` may do `verb` to `thing` (a row, or a model: any of its rows)."""
    meta = thing._meta
    return user.has_perm(f"{meta.app_label}.{NEEDS[verb] or verb}_{meta.model_name}")


def may_administer(user: Person, verb: str, thing: Model | type[Model]) -> bool:
    """Whether `user` may do it on the pages of the administration, which only staff may enter."""
    return bool(getattr(user, "is_staff", False)) and may(user, verb, thing)


def require(user: Person, verb: str, thing: Model | type[Model]) -> None:
    """Raises PermissionDenied unless `user` may."""
    if not may(user, verb, thing):
        raise PermissionDenied(f"You may not {verb} {thing._meta.verbose_name_plural} here.")


def visible(user: Person, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` that `user` may see."""
    return rows if may(user, "view", rows.model) else rows.none()


def job_for(user: Person, pk: int, *, verb: str = "view", rows: QuerySet[Job] | None = None) -> Job:
    """The job, if `user` may do `verb` to it. Raises Missing, PermissionDenied."""
    seen = visible(user, Job.objects.all() if rows is None else rows)
    job = seen.filter(pk=pk).first() if pk < ID_LIMIT else None
    if job is None:
        raise Missing(Problem("not_found", f"There is no job {pk}."))
    require(user, verb, job)
    return job


def named_for(user: Person, rows: QuerySet[Row], name: str, *, verb: str = "view") -> Row:
    """The row of that name, if `user` may do `verb` to it. Raises Missing, PermissionDenied."""
    seen = visible(user, rows)
    row = seen.filter(name=name).first()
    if row is None:
        noun = rows.model._meta.verbose_name
        known: list[Any] = list(seen.values_list("name", flat=True)[:1000])
        raise Missing(
            Problem("not_found", f'There is no {noun} "{name[:100]}".', None, did_you_mean(name[:100], known))
        )
    require(user, verb, row)
    return row


def own_tokens(user: User) -> QuerySet[Token]:
    """The tokens that `user` may see and revoke: their own. Everybody may make more."""
    return Token.objects.filter(user=user)
