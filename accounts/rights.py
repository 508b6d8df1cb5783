"""What somebody's grants let them do. Knows things by their model's name and ids, and nothing of edges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from accounts.models import SCOPES, Grant, Permission, User

Person = User | AnonymousUser
# Ids by scope. A scope that is left out is not asked about; host None is "no host".
Place = Mapping[str, int | None]

P = Permission
_MANAGED: Final[Mapping[str, tuple[Permission, Permission]]] = {
    "jobs.queue": (P.VIEW_QUEUES, P.MANAGE_QUEUES),
    "jobs.schedule": (P.VIEW_SCHEDULES, P.MANAGE_SCHEDULES),
    "jobs.jobtype": (P.VIEW_JOB_TYPES, P.MANAGE_JOB_TYPES),
    "hosts.host": (P.VIEW_HOSTS, P.MANAGE_HOSTS),
    "hosts.pool": (P.VIEW_POOLS, P.MANAGE_POOLS),
}
# Rows that are parts of others and are shown and changed with them.
_PARTS: Final[Mapping[str, str]] = {
    "jobs.window": "jobs.schedule",
    "jobs.datedexception": "jobs.schedule",
    "jobs.parameter": "jobs.jobtype",
    "hosts.poolmember": "hosts.pool",
}


def _opened() -> Iterator[tuple[str, tuple[Permission, ...]]]:
    yield "jobs.view_job", (P.VIEW_JOBS, P.MANAGE_JOBS)
    yield "jobs.add_job", (P.CREATE_JOBS,)
    yield "jobs.change_job", (P.MANAGE_JOBS,)
    yield "jobs.delete_job", (P.MANAGE_JOBS,)
    whole = {part: _MANAGED[of] for part, of in _PARTS.items()}
    for label, (view, manage) in {**_MANAGED, **whole}.items():
        app, model = label.split(".")
        yield f"{app}.view_{model}", (view, manage)
        yield from ((f"{app}.{verb}_{model}", (manage,)) for verb in ("add", "change", "delete"))


# What Django and the policy ask for, and the permissions of which any opens it. What is not here needs SuperUser.
# Whoever submits jobs of a type has to see what it asks for.
OPENED_BY: Final[Mapping[str, tuple[Permission, ...]]] = {
    **dict(_opened()),
    "jobs.view_jobtype": (P.VIEW_JOB_TYPES, P.MANAGE_JOB_TYPES, P.CREATE_JOBS),
}
# A new thing lies within no limits: only who may manage all of its kind may make one.
UNLIMITED: Final = frozenset(
    f"{app}.add_{model}" for app, model in (label.split(".") for label in _MANAGED)
)  # fmt: skip
# The attributes of a row that say where it is, by scope.
PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "jobs.job": {"queue": "queue_id", "type": "type_id", "host": "host_id"},
    "jobs.queue": {"queue": "pk"},
    "jobs.jobtype": {"type": "pk"},
    "hosts.host": {"host": "pk"},
    "hosts.pool": {"pool": "pk"},
}


def place_of(row: Model) -> Place:
    """Where `row` is. Nowhere in particular for kinds of rows that no grant can be limited to."""
    return {scope: getattr(row, name) for scope, name in PLACES.get(row._meta.label_lower, {}).items()}


@dataclass(frozen=True, slots=True)
class Held:
    """One permission and its limits: ids by scope, host None for "no host". Empty: anywhere."""

    permission: str
    limits: Place

    def covers(self, place: Place) -> bool:
        """Whether nothing of `place` is outside. What is not asked about does not matter."""
        return all(place[scope] == limit for scope, limit in self.limits.items() if scope in place)


@dataclass(frozen=True, slots=True)
class Rights:
    """All that somebody may do."""

    is_super: bool = False
    held: Collection[Held] = ()

    def of(self, asked: str) -> list[Held]:
        """What opens `asked` (such as `jobs.view_job`) somewhere. Meaningless for whoever may do everything."""
        opening = OPENED_BY.get(asked, ())
        found = (held for held in self.held if held.permission in opening)
        return [held for held in found if not held.limits] if asked in UNLIMITED else list(found)

    def has(self, asked: str, place: Place) -> bool:
        """Whether `asked` is open at `place`."""
        return self.is_super or any(held.covers(place) for held in self.of(asked))


NONE: Final = Rights()


def rights_of(user: Person) -> Rights:
    """The rights of `user`, looked up once for as long as the object lives: for one request."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return NONE
    if not hasattr(user, "_rights"):
        look_up([user])
    return cast(Rights, user._rights)


def look_up(people: Collection[User]) -> None:
    """Find the rights of all `people` with three queries; `rights_of` then answers from memory."""
    for user in people:
        user._rights = Rights(user.is_superuser)
    users = [user for user in people if not user.is_superuser]
    if not users:
        return
    groups: dict[int, list[int]] = {}
    for user_id, group_id in User.groups.through.objects.filter(user__in=users).values_list("user_id", "group_id"):
        groups.setdefault(user_id, []).append(group_id)
    columns = ("user_id", "group_id", "permission", "is_default_host", *(f"{scope}_id" for scope in SCOPES))
    wanted = {group for ids in groups.values() for group in ids}
    rows = [*Grant.objects.filter(user__in=users).values(*columns)]
    if wanted:
        rows += Grant.objects.filter(group__in=wanted).values(*columns)
    for user in users:
        own = (r for r in rows if r["user_id"] == user.pk or r["group_id"] in groups.get(user.pk, ()))
        _remember(user, own)


def _remember(user: User, rows: Iterable[Mapping[str, Any]]) -> None:
    held = [Held(row["permission"], _limits(row)) for row in rows]
    is_super = any(one.permission == P.SUPER_USER for one in held)
    user._rights = Rights(is_super, held)


def _limits(row: Mapping[str, Any]) -> Place:
    named = {scope: row[f"{scope}_id"] for scope in SCOPES if row[f"{scope}_id"] is not None}
    return {**named, "host": None} if row["is_default_host"] else named
