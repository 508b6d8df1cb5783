"""Who may do what: the one place that decides, asked by every edge and by nothing else.

What somebody may not see is missing for them; what they may see but not change is denied. The rights themselves
come from grants (`accounts.rights`), by way of Django's own `user.has_perm`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import Http404

from accounts.models import DEFAULT_HOST, Grant, Session, Token, User
from accounts.rights import PLACES, Held, Person, look_up, rights_of
from hosts.models import Host, Pool
from jobs.models import Job, JobType, Lane, Queue, Schedule, Statistic, Subscription
from jobs.problems import Problem, Problems, did_you_mean
from jobs.tallies import totals

Row = TypeVar("Row", bound=Model)

# What is asked of a thing, as the permission that it needs.
NEEDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("view", "add", "change", "delete"), ""),
    **dict.fromkeys(("cancel", "kill", "pause", "resume", "retry", "move", "hold", "release"), "change"),
}
ID_LIMIT: Final = 2**63
# The id of a thing that does not exist: only who may use any of its kind gets as far as being told so.
NOTHING: Final = -1
# What people can be told of.
WATCHED: Final[Mapping[str, type[Model]]] = {"jobs.job": Job, "jobs.queue": Queue, "hosts.host": Host}
NAMED: Final[Mapping[str, type[Queue | JobType | Host]]] = {"queue": Queue, "type": JobType, "host": Host}


# What people may see because it is about themselves.
OWN: Final[Mapping[type[Model], Callable[[Person], Q]]] = {
    User: lambda user: Q(pk=user.pk),
    Grant: lambda user: Q(user=user.pk) | Q(group__user=user.pk),
}


class Missing(Http404):
    """There is no such thing for whoever asks."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Wanted(Protocol):
    """A job that somebody wants to submit, by names."""

    @property
    def queue(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def host(self) -> str | None: ...


def is_super(user: Person) -> bool:
    """Whether `user` may do everything, and say what others may."""
    return rights_of(user).is_super


def may(user: Person, verb: str, thing: Model | type[Model]) -> bool:
    """Whether `user` may do `verb` to `thing` (a row, or a model: any of its rows)."""
    return user.has_perm(_asked(verb, thing), None if isinstance(thing, type) else thing)


def _asked(verb: str, thing: Model | type[Model]) -> str:
    meta = thing._meta
    return f"{meta.app_label}.{NEEDS[verb] or verb}_{meta.model_name}"


def may_administer(user: Person, verb: str, thing: Model | type[Model]) -> bool:
    """Whether `user` may do it on the pages of the administration, which only staff may enter."""
    return bool(getattr(user, "is_staff", False)) and may(user, verb, thing)


def require(user: Person, verb: str, thing: Model | type[Model]) -> None:
    """Raises PermissionDenied unless `user` may."""
    if not may(user, verb, thing):
        raise PermissionDenied(f"You may not {verb} {thing._meta.verbose_name_plural} here.")


def may_everywhere(user: Person, verb: str, model: type[Model]) -> bool:
    """Whether `user` may, to all rows: for what belongs to none of them."""
    rights = rights_of(user)
    return rights.is_super or any(not held.limits for held in rights.of(_asked(verb, model)))


def require_everywhere(user: Person, verb: str, model: type[Model]) -> None:
    """Raises PermissionDenied unless `user` may, to all rows."""
    if not may_everywhere(user, verb, model):
        raise PermissionDenied(f"Only those who may {verb} all {model._meta.verbose_name_plural} may do this.")


def require_super(user: Person) -> None:
    """Raises PermissionDenied unless `user` may do everything."""
    if not is_super(user):
        raise PermissionDenied("Only those who may do everything may do this.")


def visible(user: Person, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` that `user` may see."""
    return permitted(user, "view", rows)


def permitted(user: Person, verb: str, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` to which `user` may do `verb`."""
    if is_super(user):
        return rows
    if verb == "view" and rows.model in OWN:
        return rows.filter(OWN[rows.model](user))
    return _within(rows, rights_of(user).of(_asked(verb, rows.model)))


def _within(rows: QuerySet[Row], held: Collection[Held]) -> QuerySet[Row]:
    """Those of `rows` that any of `held` covers, by an index."""
    if not held:
        return rows.none()
    if any(not one.limits for one in held):
        return rows
    if rows.model is Job:
        return rows.filter(lane__in=_lanes(held))
    (scope,) = PLACES[rows.model._meta.label_lower]
    if any(scope not in one.limits for one in held):
        return rows
    return rows.filter(pk__in={one.limits[scope] for one in held} - {None})


def _lanes(held: Collection[Held]) -> list[int]:
    """The lanes that any of `held` covers. Looked up anew each time: a job may have opened one a moment ago."""
    queues = {one.limits.get("queue") for one in held}
    lanes = Lane.objects.all() if None in queues else Lane.objects.filter(queue__in=queues)
    found = lanes.values_list("id", "queue_id", "type_id", "host_id")
    places = ((lane, {"queue": queue, "type": kind, "host": host}) for lane, queue, kind, host in found)
    return [lane for lane, place in places if any(one.covers(place) for one in held)]


def job_for(user: Person, pk: int, *, verb: str = "view", rows: QuerySet[Job] | None = None) -> Job:
    """The job, if `user` may do `verb` to it. Raises Missing, PermissionDenied."""
    found = Job.objects.all() if rows is None else rows
    job = found.filter(pk=pk).first() if pk < ID_LIMIT else None
    if job is None or not may(user, "view", job):
        raise Missing(Problem("not_found", f"There is no job {pk}."))
    require(user, verb, job)
    return job


def named_for(user: Person, rows: QuerySet[Row], name: str, *, verb: str = "view", field: str = "name") -> Row:
    """The row of that name, if `user` may do `verb` to it. Raises Missing, PermissionDenied."""
    seen = visible(user, rows)
    row = seen.filter(**{field: name}).first()
    if row is None:
        raise Missing(_unknown(seen, name, code="not_found", field=field))
    if verb != "view":
        require(user, verb, row)
    return row


def _unknown(seen: QuerySet[Any], name: str, *, code: str, field: str = "name", key: str | None = None) -> Problem:
    noun = seen.model._meta.verbose_name
    known: list[Any] = list(seen.values_list(field, flat=True)[:1000])
    return Problem(code, f'There is no {noun} "{name[:100]}".', key, did_you_mean(name[:100], known))


def row_for(user: Person, rows: QuerySet[Row], pk: int, *, verb: str = "view") -> Row:
    """The row of that number, if `user` may do `verb` to it. Raises Missing, PermissionDenied."""
    row = visible(user, rows).filter(pk=pk).first() if pk < ID_LIMIT else None
    if row is None:
        raise Missing(Problem("not_found", f"There is no {rows.model._meta.verbose_name} {pk}."))
    if verb != "view":
        require(user, verb, row)
    return row


def check_names(
    user: Person, told: object, models: Mapping[str, type[Queue | Schedule | Host | Pool | JobType]]
) -> None:
    """Whoever refers to a thing has to see it. Raises Problems as for names of things that do not exist.

    Only texts under the keys of `models` are looked at: all else is for those who read `told`.
    """
    names = {key: told.get(key) for key in models} if isinstance(told, Mapping) else {}
    problems = []
    for key, name in names.items():
        seen = visible(user, models[key]._default_manager.all())
        if isinstance(name, str) and name.isprintable() and not seen.filter(name=name[:200]).exists():
            problems.append(_unknown(seen, name, code=f"unknown_{key}", key=key))
    if problems:
        raise Problems(problems)


def jobs_by_state(user: Person, queues: Sequence[int]) -> Mapping[tuple[int, str], int]:
    """How many jobs of each of `queues` are in each state, of those that `user` may see.

    From running totals for queues that they may see whole; the jobs of others are counted.
    """
    held = rights_of(user).of("jobs.view_job")
    if may_everywhere(user, "view", Job):
        return totals.jobs_by_state(queues)
    whole = _whole_queues(held)
    counts = dict(totals.jobs_by_state([queue for queue in queues if queue in whole]))
    rows = _within(Job.objects.filter(queue__in=[queue for queue in queues if queue not in whole]), held)
    counted = rows.order_by().values_list("queue", "state").annotate(count=Count("pk"))
    return counts | {(queue, state): count for queue, state, count in counted}


def queues_seen_whole(user: Person) -> QuerySet[Queue]:
    """The queues of which `user` may see every job, and so how many there are and were."""
    rows = visible(user, Queue.objects.order_by("name"))
    if may_everywhere(user, "view", Job):
        return rows
    return rows.filter(pk__in=_whole_queues(rights_of(user).of("jobs.view_job")))


def _whole_queues(held: Collection[Held]) -> set[int]:
    return {queue for one in held if set(one.limits) == {"queue"} and (queue := one.limits["queue"]) is not None}


def statistics(user: Person) -> QuerySet[Statistic]:
    """What `user` may see of the daily statistics: of the queues and types of which they may see all jobs.

    Which host a job had asked for is not kept: a grant that is limited to hosts shows nothing of them.
    """
    if may_everywhere(user, "view", Job):
        return Statistic.objects.all()
    held = [one.limits for one in rights_of(user).of("jobs.view_job") if set(one.limits) <= {"queue", "type"}]
    wanted = Q(pk__in=[])
    for limits in held:
        wanted |= Q(**limits)
    return Statistic.objects.filter(wanted)


# --- submitting and moving jobs: queue, type and host together have to be within one grant ---


def submittable(user: Person, rows: QuerySet[Row], *, kind: JobType | None = None) -> QuerySet[Row]:
    """Those of `rows` (queues, job types or hosts) that `user` may name in a new job, if given, of type `kind`."""
    if is_super(user):
        return rows
    held = rights_of(user).of("jobs.add_job")
    return _within(rows, [one for one in held if kind is None or one.covers({"type": kind.pk})])


def submittable_type(user: Person, rows: QuerySet[JobType], name: str) -> JobType:
    """The job type of that name, if `user` may submit jobs of it somewhere. Raises Missing, PermissionDenied."""
    kind = named_for(user, rows, name)
    if not submittable(user, JobType.objects.filter(pk=kind.pk)).exists():
        raise PermissionDenied(f'You may not submit jobs of type "{kind}".')
    return kind


def require_submission(user: Person, wanted: Iterable[Wanted]) -> None:
    """Raises PermissionDenied unless `user` may submit all of `wanted`.

    Asked before it is known whether there are such things, so that nobody learns it who may not use them.
    """
    rights = rights_of(user)
    if rights.is_super or any(not one.limits for one in rights.of("jobs.add_job")):
        return
    places = {(one.queue, one.type, one.host) for one in wanted}
    ids = {scope: _ids(model, {place[at] for place in places}) for at, (scope, model) in enumerate(NAMED.items())}
    for queue, kind, host in places:
        found = {"queue": ids["queue"].get(queue, NOTHING), "type": ids["type"].get(kind, NOTHING)}
        if not rights.has("jobs.add_job", {**found, "host": ids["host"].get(host, NOTHING) if host else None}):
            on = f'on host "{host[:100]}"' if host else "without naming a host"
            raise PermissionDenied(f'You may not submit jobs of type "{kind[:100]}" to queue "{queue[:100]}" {on}.')


def _ids(model: type[Queue | JobType | Host], names: Iterable[str | None]) -> dict[str, int]:
    # What cannot be a name is not asked for: some databases would not take it.
    asked = {name for name in names if name is not None and name.isprintable()}
    return dict(model._default_manager.filter(name__in=asked).values_list("name", "pk"))


def target_queue(user: Person, job: Job, name: str) -> Queue:
    """The queue that `user` may move `job` into. Raises PermissionDenied, Problems if there is none of that name."""
    queue = Queue.objects.filter(name=name).first()
    _require_at(user, job, name, queue=queue.pk if queue else NOTHING, host=job.host_id)
    if queue is None:
        raise Problems([_unknown(visible(user, Queue.objects.all()), name, code="unknown_queue", key="queue")])
    return queue


def target_host(user: Person, job: Job, name: str | None) -> Host | None:
    """The host, or none, that `user` may let `job` ask for. Raises as `target_queue` does."""
    host = Host.objects.filter(name=name).first() if name is not None else None
    gone = NOTHING if name is not None else None
    _require_at(user, job, name or "none", queue=job.queue_id, host=host.pk if host else gone)
    if name is not None and host is None:
        raise Problems([_unknown(visible(user, Host.objects.all()), name, code="unknown_host", key="host")])
    return host


def _require_at(user: Person, job: Job, name: str, *, queue: int, host: int | None) -> None:
    if not may(user, "move", Job(queue_id=queue, type_id=job.type_id, host_id=host)):
        raise PermissionDenied(f'You may not move job {job.pk} to "{name[:100]}".')


# --- where the refusal comes first: who may not use a kind of thing here does not learn which there are ---


def queue_for(user: Person, name: str, *, verb: str = "view", of: type[Queue | Job] = Queue) -> Queue:
    """The queue of that name, if `user` may do `verb` to it or, with `of` Job, to jobs in it.

    Raises PermissionDenied before it is looked at whether there is one, then Missing.
    """
    queue = Queue.objects.select_related("schedule", "host").filter(name=name).first() if name.isprintable() else None
    place = {"queue": queue.pk if queue else NOTHING}
    if not rights_of(user).has(_asked(verb, of), place):
        raise PermissionDenied(f'You may not {verb} {of._meta.verbose_name_plural} on queue "{name[:100]}".')
    if queue is None:
        raise Missing(_unknown(visible(user, Queue.objects.all()), name, code="not_found"))
    return queue


def job_of_right(user: Person, pk: int, *, verb: str = "view", rows: QuerySet[Job]) -> Job:
    """That one of `rows`, if `user` may do `verb` to it. Raises as `queue_for` does."""
    job = rows.filter(pk=pk).first() if pk < ID_LIMIT else None
    if not (may(user, verb, job) if job else may_everywhere(user, verb, Job)):
        raise PermissionDenied(f"You may not {verb} job {pk}.")
    if job is None:
        raise Missing(Problem("not_found", f"There is no job {pk}."))
    return job


def types_in(user: Person, queue: Queue, rows: QuerySet[JobType]) -> list[JobType]:
    """Those of `rows` of which `user` may submit jobs to `queue`, on some host or without naming one."""
    rights = rights_of(user)
    return [kind for kind in rows if rights.has("jobs.add_job", {"queue": queue.pk, "type": kind.pk})]


def hosts_in(user: Person, queue: Queue, *, kind: JobType | None = None) -> list[str]:
    """The hosts that jobs of `user` in `queue`, of type `kind` if one is given, may ask for: first, if that is
    possible, none."""
    rights, place = rights_of(user), {"queue": queue.pk, **({"type": kind.pk} if kind else {})}
    known: list[tuple[str, int | None]] = [(DEFAULT_HOST, None), *Host.objects.values_list("name", "pk")]
    return [name for name, pk in known if rights.has("jobs.add_job", {**place, "host": pk})]


# --- accounts ---


def own_tokens(user: User) -> QuerySet[Token]:
    """The tokens that `user` may see and revoke: their own. Everybody may make more."""
    return Token.objects.filter(user=user)


def own_sessions(user: User, *, at: datetime) -> QuerySet[Session]:
    """The sessions that `user` may see and end: their own, those that are not over."""
    return Session.objects.filter(user=user, expire_date__gt=at)


def own_subscriptions(user: User) -> QuerySet[Subscription]:
    """What `user` wants to be told of. Everybody may subscribe, and is told only of what they may see then."""
    return Subscription.objects.filter(owner=user)


def own_subscription(user: User, pk: int) -> Subscription:
    """The subscription of that number, if it is the user's own. Raises Missing."""
    row = own_subscriptions(user).select_related("queue", "type", "host").filter(pk=pk).first()
    if row is None:
        raise Missing(Problem("not_found", f"There is no subscription {pk}."))
    return row


def still_watching(pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those pairs of a user's and a job's id in which the user may see the job now. Five queries, however many.

    For a job that is not there (any more), who may see any job.
    """
    return {(user, job) for user, _model, job in still_seen({(user, "jobs.job", job) for user, job in pairs})}


def still_seen(sights: Collection[tuple[int, str, int]]) -> set[tuple[int, str, int]]:
    """Those triples of a user's id, a kind of thing and a thing's id in which the user may see the thing now.

    For a thing that is not there (any more), who may see any of its kind.
    """
    users = {user.pk: user for user in User.objects.filter(pk__in={user for user, *_ in sights}, is_active=True)}
    look_up(users.values())
    found = {kind: _places(kind, {pk for _user, one, pk in sights if one == kind}) for _user, kind, _pk in sights}
    return {
        (user, kind, pk)
        for user, kind, pk in sights
        if user in users and may(users[user], "view", found[kind].get(pk, WATCHED[kind]))
    }


def _places(kind: str, ids: Collection[int]) -> Mapping[int, Model]:
    """The rows of these ids, with what tells where they are."""
    rows = WATCHED[kind]._default_manager.only(*(name.removesuffix("_id") for name in PLACES[kind].values()))
    return dict(rows.in_bulk(ids))
