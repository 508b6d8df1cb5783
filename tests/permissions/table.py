"""Who may open what: the one table that every address of the site is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from accounts.models import Permission

P = Permission
Permissions = tuple[Permission, ...]

JOB: Final = frozenset({"queue", "type", "host"})
QUEUE: Final = frozenset({"queue"})
TYPE: Final = frozenset({"type"})
HOST: Final = frozenset({"host"})
POOL: Final = frozenset({"pool"})
SITE: Final[frozenset[str]] = frozenset()


class Where(Enum):
    """Where a permission has to be held."""

    HERE = "a grant covers the thing"
    EVERYWHERE = "a grant without limits"
    SOMEWHERE = "any grant"


class Kind(Enum):
    """What those get who are not let in."""

    THING = "404 if they may not see it, else 403"
    LIST = "the list without the thing"
    ACTION = "403"
    PUBLIC = "everybody is let in"
    ACCOUNT = "everybody with an account is let in"
    ANOTHERS = "404 for everybody but its owner, who is not asked here"


@dataclass(frozen=True)
class Rule:
    """Who is let in by one method of one address.

    see, do  the permissions of which any lets see the thing, and do this to it
    scopes   the limits of grants that matter for the thing
    body     what is sent
    told     text by which a list shows the thing
    """

    kind: Kind
    see: Permissions = ()
    do: Permissions = ()
    scopes: frozenset[str] = SITE
    where: Where = Where.HERE
    body: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""


def thing(see: Permissions, scopes: frozenset[str], *, do: Permissions | None = None) -> Rule:
    return Rule(Kind.THING, see, see if do is None else do, scopes)


def listing(see: Permissions, scopes: frozenset[str], told: str) -> Rule:
    return Rule(Kind.LIST, see, see, scopes, told=told)


def action(do: Permissions, where: Where, scopes: frozenset[str] = SITE, **body: Any) -> Rule:
    return Rule(Kind.ACTION, do, do, scopes, where, body)


PUBLIC: Final = Rule(Kind.PUBLIC)
ACCOUNT: Final = Rule(Kind.ACCOUNT)
# Another's: missing even for those who may do everything.
NOT_OWN: Final = Rule(Kind.ANOTHERS)
# Nobody's permission but SuperUser's opens these.
SUPER_THING: Final = thing((), SITE)
SUPER_ACTION: Final = action((), Where.EVERYWHERE)

VIEW_JOBS: Final = (P.VIEW_JOBS, P.MANAGE_JOBS)
VIEW_QUEUES: Final = (P.VIEW_QUEUES, P.MANAGE_QUEUES)
VIEW_TYPES: Final = (P.VIEW_JOB_TYPES, P.MANAGE_JOB_TYPES, P.CREATE_JOBS)
VIEW_SCHEDULES: Final = (P.VIEW_SCHEDULES, P.MANAGE_SCHEDULES)
VIEW_HOSTS: Final = (P.VIEW_HOSTS, P.MANAGE_HOSTS)
VIEW_POOLS: Final = (P.VIEW_POOLS, P.MANAGE_POOLS)
NEW_JOB: Final = {"queue": "nightly", "type": "render", "params": {"scene": "a"}}

Table = dict[tuple[str, str], Rule]


def named(address: str, see: Permissions, manage: Permissions, scopes: frozenset[str], told: str) -> Table:
    """List, make, show, change and remove one kind of thing."""
    return {
        ("GET", address): listing(see, scopes, told),
        ("POST", address): action(manage, Where.EVERYWHERE),
        ("GET", f"{address}/{{name}}"): thing(see, scopes),
        ("PATCH", f"{address}/{{name}}"): thing(see, scopes, do=manage),
        ("DELETE", f"{address}/{{name}}"): thing(see, scopes, do=manage),
    }


JOB_VERBS: Final = ("cancel", "kill", "pause", "resume", "retry", "hold", "release", "move")
MANAGE_JOB: Final = thing(VIEW_JOBS, JOB, do=(P.MANAGE_JOBS,))

API: Final[Table] = {
    ("GET", "api/v1/jobs"): listing(VIEW_JOBS, JOB, '"queue":"nightly"'),
    ("POST", "api/v1/jobs"): action((P.CREATE_JOBS,), Where.HERE, JOB, **NEW_JOB),
    ("POST", "api/v1/jobs/bulk"): action((P.CREATE_JOBS,), Where.HERE, JOB, jobs=[NEW_JOB]),
    ("GET", "api/v1/jobs/{pk}"): thing(VIEW_JOBS, JOB),
    ("PATCH", "api/v1/jobs/{pk}"): MANAGE_JOB,
    ("DELETE", "api/v1/jobs/{pk}"): MANAGE_JOB,
    **{("POST", f"api/v1/jobs/{{pk}}/{verb}"): MANAGE_JOB for verb in JOB_VERBS},
    **{
        ("GET", f"api/v1/jobs/{{pk}}/{part}"): thing(VIEW_JOBS, JOB)
        for part in ("explain", "events", "files", "output", "output/stream")
    },
    ("GET", "api/v1/jobs/{pk}/files/{name}"): thing(VIEW_JOBS, JOB),
    ("GET", "api/v1/jobs/changes"): action(VIEW_JOBS, Where.SOMEWHERE),
    ("GET", "api/v1/files"): action(VIEW_JOBS, Where.EVERYWHERE),
    ("POST", "api/v1/files"): action((P.CREATE_JOBS,), Where.SOMEWHERE),
    ("GET", "api/v1/files/{path}"): action(VIEW_JOBS, Where.EVERYWHERE),
    ("GET", "api/v1/stats"): action(VIEW_JOBS, Where.SOMEWHERE),
    ("GET", "api/v1/queues/{name}/stats"): thing(VIEW_QUEUES, QUEUE),
    **named("api/v1/queues", VIEW_QUEUES, (P.MANAGE_QUEUES,), QUEUE, '"name":"nightly"'),
    **named("api/v1/job-types", VIEW_TYPES, (P.MANAGE_JOB_TYPES,), TYPE, '"name":"render"'),
    **named("api/v1/schedules", VIEW_SCHEDULES, (P.MANAGE_SCHEDULES,), SITE, '"name":"nights"'),
    ("GET", "api/v1/schedules/{name}/openings"): thing(VIEW_SCHEDULES, SITE),
    **named("api/v1/hosts", VIEW_HOSTS, (P.MANAGE_HOSTS,), HOST, '"name":"build1"'),
    ("POST", "api/v1/hosts/{name}/scan_keys"): thing(VIEW_HOSTS, HOST, do=(P.MANAGE_HOSTS,)),
    **named("api/v1/pools", VIEW_POOLS, (P.MANAGE_POOLS,), POOL, '"name":"both"'),
    **named("api/v1/users", (), (), SITE, '"name":"alice"'),
    **named("api/v1/groups", (), (), SITE, '"name":"night shift"'),
    ("GET", "api/v1/grants"): listing((), SITE, '"group":"night shift"'),
    ("POST", "api/v1/grants"): SUPER_ACTION,
    ("GET", "api/v1/grants/{pk}"): SUPER_THING,
    ("DELETE", "api/v1/grants/{pk}"): SUPER_THING,
    ("GET", "api/v1/audit"): SUPER_ACTION,
    ("GET", "api/v1/audit/export"): SUPER_ACTION,
    ("GET", "api/v1/metrics"): SUPER_ACTION,
    ("GET", "api/v1/whoami"): ACCOUNT,
    ("GET", "api/v1/tokens"): ACCOUNT,
    ("POST", "api/v1/tokens"): ACCOUNT,
    ("DELETE", "api/v1/tokens/{key}"): ACCOUNT,
    ("GET", "api/v1/subscriptions"): ACCOUNT,
    ("POST", "api/v1/subscriptions"): ACCOUNT,
    **{(method, "api/v1/subscriptions/{pk}"): NOT_OWN for method in ("GET", "PATCH", "DELETE")},
    ("GET", "api/v1/subscriptions/{pk}/notices"): NOT_OWN,
    ("POST", "api/v1/subscriptions/{pk}/resend"): NOT_OWN,
    ("GET", "api/schema"): ACCOUNT,
    ("GET", "api/docs"): ACCOUNT,
    # An address that does not exist.
    ("GET", "api/{path}"): PUBLIC,
}
PAGES: Final[Table] = {
    ("GET", ""): PUBLIC,
    ("GET", "healthz"): PUBLIC,
    ("GET", "metrics"): SUPER_ACTION,
    ("GET", "accounts/login/"): PUBLIC,
    ("POST", "accounts/logout/"): PUBLIC,
    ("GET", "accounts/password/"): ACCOUNT,
    ("GET", "accounts/sessions/"): ACCOUNT,
    ("POST", "accounts/sessions/{label}/end/"): ACCOUNT,
    ("POST", "accounts/sessions/others/end/"): ACCOUNT,
    ("GET", "accounts/tokens/"): ACCOUNT,
    ("POST", "accounts/tokens/{key}/revoke/"): ACCOUNT,
    ("GET", "components/"): ACCOUNT,
    ("GET", "subscriptions/"): ACCOUNT,
    ("GET", "subscriptions/{pk}/remove/"): NOT_OWN,
    ("POST", "subscriptions/{pk}/{word}/"): NOT_OWN,
    ("GET", "audit/"): SUPER_ACTION,
    ("GET", "monitoring/"): SUPER_ACTION,
    ("GET", "queues/"): action(VIEW_QUEUES, Where.SOMEWHERE),
    ("GET", "queues/{name}/"): thing(VIEW_QUEUES, QUEUE),
    ("POST", "queues/{name}/{word}/"): thing(VIEW_QUEUES, QUEUE, do=(P.MANAGE_QUEUES,)),
    ("GET", "stats/"): action(VIEW_JOBS, Where.SOMEWHERE),
    ("GET", "jobs/"): action(VIEW_JOBS, Where.SOMEWHERE),
    ("GET", "jobs/{pk}/"): thing(VIEW_JOBS, JOB),
    ("POST", "jobs/{pk}/ask/{verb}/"): MANAGE_JOB,
    ("GET", "jobs/{pk}/move/"): MANAGE_JOB,
    ("POST", "jobs/{pk}/move/"): MANAGE_JOB,
    ("POST", "jobs/{pk}/move/{place}/"): MANAGE_JOB,
    ("GET", "jobs/{pk}/output/{number}/{stream}/"): thing(VIEW_JOBS, JOB),
    ("GET", "jobs/{pk}/files/{name}/"): thing(VIEW_JOBS, JOB),
    ("POST", "uploads/"): action((P.CREATE_JOBS,), Where.SOMEWHERE),
    ("GET", "submit/"): action((P.CREATE_JOBS,), Where.SOMEWHERE),
    ("GET", "submit/{name}/"): thing(VIEW_TYPES, TYPE, do=(P.CREATE_JOBS,)),
    ("POST", "submit/{name}/"): thing(VIEW_TYPES, TYPE, do=(P.CREATE_JOBS,)),
}


MANAGE_JOBS: Final = (P.MANAGE_JOBS,)
CREATE_JOBS: Final = (P.CREATE_JOBS,)
# Beneath batchd's addresses what one may not do is refused before it is looked for.
BATCHD: Final[Table] = {
    ("GET", "batchd"): ACCOUNT,
    ("GET", "batchd/"): ACCOUNT,
    ("GET", "batchd/stats"): action(MANAGE_JOBS, Where.EVERYWHERE),
    ("GET", "batchd/stats/{name}"): action(MANAGE_JOBS, Where.HERE, QUEUE),
    ("GET", "batchd/queue"): listing(VIEW_QUEUES, QUEUE, '"name":"nightly"'),
    ("POST", "batchd/queue"): action((P.MANAGE_QUEUES,), Where.EVERYWHERE),
    ("GET", "batchd/queue/{name}"): action(VIEW_QUEUES, Where.HERE, QUEUE),
    ("PUT", "batchd/queue/{name}"): action((P.MANAGE_QUEUES,), Where.HERE, QUEUE, enabled=False),
    ("DELETE", "batchd/queue/{name}"): action((P.MANAGE_QUEUES,), Where.HERE, QUEUE),
    ("POST", "batchd/queue/{name}"): action(CREATE_JOBS, Where.HERE, JOB, type="render", params={"scene": "a"}),
    ("GET", "batchd/queue/{name}/jobs"): action(VIEW_JOBS, Where.HERE, QUEUE),
    ("GET", "batchd/queue/{name}/type"): action(CREATE_JOBS, Where.HERE, QUEUE),
    ("GET", "batchd/queue/{name}/host"): action(CREATE_JOBS, Where.HERE, QUEUE),
    ("GET", "batchd/queue/{name}/type/{kind}/host"): action(CREATE_JOBS, Where.HERE, QUEUE | TYPE),
    ("DELETE", "batchd/queue/{name}/{seq}"): action(MANAGE_JOBS, Where.HERE, JOB),
    ("GET", "batchd/jobs"): action(VIEW_JOBS, Where.EVERYWHERE),
    ("GET", "batchd/job/{pk}"): action(VIEW_JOBS, Where.HERE, JOB),
    ("PUT", "batchd/job/{pk}"): action(MANAGE_JOBS, Where.HERE, JOB, notes="n"),
    ("DELETE", "batchd/job/{pk}"): action(MANAGE_JOBS, Where.HERE, JOB),
    ("GET", "batchd/job/{pk}/results"): action(VIEW_JOBS, Where.HERE, JOB),
    ("GET", "batchd/job/{pk}/results/last"): action(VIEW_JOBS, Where.HERE, JOB),
    ("GET", "batchd/schedule"): action(VIEW_SCHEDULES, Where.EVERYWHERE),
    ("POST", "batchd/schedule"): action((P.MANAGE_SCHEDULES,), Where.EVERYWHERE),
    ("DELETE", "batchd/schedule/{name}"): action((P.MANAGE_SCHEDULES,), Where.EVERYWHERE),
    ("GET", "batchd/type"): listing(VIEW_TYPES, TYPE, '"name":"render"'),
    ("GET", "batchd/type/{name}"): thing(VIEW_TYPES, TYPE),
    ("GET", "batchd/host"): ACCOUNT,
    ("GET", "batchd/user"): SUPER_ACTION,
    ("POST", "batchd/user"): SUPER_ACTION,
    ("PUT", "batchd/user/{name}"): SUPER_ACTION,
    ("GET", "batchd/user/{name}/permissions"): SUPER_ACTION,
    ("POST", "batchd/user/{name}/permissions"): SUPER_ACTION,
    ("DELETE", "batchd/user/{name}/permissions/{pk}"): SUPER_ACTION,
    **{
        ("GET", f"batchd/monitor/{prefix}current/{form}"): ACCOUNT
        for prefix in ("", "{prefix}/")
        for form in ("plain", "tree")
    },
    ("GET", "batchd/monitor/jobs"): ACCOUNT,
    ("GET", "batchd/monitor/{name}/last"): thing(VIEW_HOSTS, HOST),
    ("GET", "batchd/monitor/{prefix}/query"): ACCOUNT,
    # An address that does not exist.
    ("GET", "batchd/{path}"): PUBLIC,
}


@dataclass(frozen=True)
class AdminRule:
    """Who sees, makes, and changes or deletes the rows of a model in the admin pages."""

    see: Permissions = ()
    add: Permissions = ()
    change: Permissions = ()
    scopes: frozenset[str] = SITE
    told: str = ""
    has_limited_add: bool = False


ADMIN: Final[Mapping[str, AdminRule]] = {
    "jobs/job": AdminRule(VIEW_JOBS, (P.CREATE_JOBS,), (P.MANAGE_JOBS,), JOB, has_limited_add=True),
    "jobs/queue": AdminRule(VIEW_QUEUES, (P.MANAGE_QUEUES,), (P.MANAGE_QUEUES,), QUEUE),
    "jobs/jobtype": AdminRule(VIEW_TYPES, (P.MANAGE_JOB_TYPES,), (P.MANAGE_JOB_TYPES,), TYPE),
    "jobs/schedule": AdminRule(VIEW_SCHEDULES, (P.MANAGE_SCHEDULES,), (P.MANAGE_SCHEDULES,), SITE),
    "hosts/host": AdminRule(VIEW_HOSTS, (P.MANAGE_HOSTS,), (P.MANAGE_HOSTS,), HOST),
    "hosts/pool": AdminRule(VIEW_POOLS, (P.MANAGE_POOLS,), (P.MANAGE_POOLS,), POOL),
    # What is below belongs to those who may do everything.
    **dict.fromkeys(
        (
            "accounts/auditentry", "accounts/grant", "accounts/token", "accounts/user", "auth/group",
            "hosts/lease", "hosts/ownership",
            "jobs/attempt", "jobs/engine", "jobs/event", "jobs/lane", "jobs/output", "jobs/script", "jobs/site",
            "jobs/notice", "jobs/subscription",
            "admin/logentry", "axes/accessattempt", "axes/accesslog",
        ),
        AdminRule(),
    ),
}  # fmt: skip
# Pages of one model beside those that every model has.
ADMIN_ALSO: Final = frozenset({"accounts/grant/of-queue/", "accounts/user/{id}/password/"})
# Pages of the admin site itself: for staff, and the two by which one comes and goes.
ADMIN_SITE: Final = frozenset(
    {"", "login/", "logout/", "password_change/", "password_change/done/", "autocomplete/", "jsi18n/",
     "r/{content_type_id}/{object_id}/", "{app_label}/", "{url}"}
)  # fmt: skip
