"""What is defined on a site, as a text that `apply_config` reads back. Nothing that runs, and nothing secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml
from django.db.models import QuerySet

from accounts.audit import SECRET
from accounts.models import Grant
from hosts.models import Credential, Host, Pool
from jobs import parameters
from jobs.config.definitions import JOB_TYPE_COLUMNS
from jobs.config.forms import OnFailField
from jobs.config.text.schema import HostShape
from jobs.models import JobType, Queue, Schedule, Site
from jobs.queueing.declarations import parameters_of
from jobs.queueing.timetables import timetable_of
from jobs.timing.timetable_json import timetable_to_json

WIDTH: Final = 120
JOB_TYPE_KEYS: Final = (
    "title", "template", "syntax", "time_limit", "lost_after", "grace", "max_running", "environment", "directory",
)  # fmt: skip
Entry = dict[str, Any]


class _Writer(yaml.SafeDumper):
    """Writes texts of several lines as such, and no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Writer.add_representer(str, _text)


def site_text() -> str:
    """All that is defined, as YAML."""
    text: str = yaml.dump(site_json(), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text


def site_json() -> dict[str, Any]:
    """All that is defined, by kind, each kind by name."""
    return {
        "variables": public(Site.get().variables),
        "hosts": [host_json(row) for row in Host.objects.order_by("name")],
        "pools": [_pool(row) for row in Pool.objects.prefetch_related("members__host").order_by("name")],
        "schedules": [
            _schedule(row) for row in Schedule.objects.prefetch_related("windows", "exceptions").order_by("name")
        ],
        "job-types": [
            job_type_json(row)
            for row in JobType.objects.select_related("host").prefetch_related("parameters").order_by("name")
        ],
        "queues": [_queue(row) for row in Queue.objects.select_related("schedule", "host", "pool").order_by("name")],
        "grants": sorted((_grant(row) for row in _grants()), key=lambda told: str(sorted(told.items()))),
    }


def public(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of `variables` whose names do not speak of secrets."""
    return {name: value for name, value in sorted(variables.items()) if not SECRET.search(name)}


def withheld() -> list[str]:
    """What is left out because it is a secret, or has the name of one: a phrase for each."""
    sources = [("the site", Site.get().variables)]
    sources += [(f'host "{host}"', host.variables) for host in Host.objects.order_by("name")]
    sources += [(f'job type "{kind}"', kind.environment) for kind in JobType.objects.order_by("name")]
    named = [f"{name} of {where}" for where, told in sources for name in sorted(told) if SECRET.search(name)]
    return [*named, *(f'the private key of host "{one.host}"' for one in _credentials())]


def _credentials() -> QuerySet[Credential]:
    return Credential.objects.select_related("host").order_by("host__name")


def host_json(host: Host) -> Entry:
    told = {name: getattr(host, name) for name in HostShape.model_fields}
    keys = [line for line in host.host_keys.splitlines() if line.strip()]
    return {**told, "host_keys": keys, "variables": public(host.variables)}


def _pool(pool: Pool) -> Entry:
    return {"name": pool.name, "title": pool.title, "hosts": [member.host.name for member in pool.members.all()]}


def _schedule(schedule: Schedule) -> Entry:
    return {"name": schedule.name, "title": schedule.title, **timetable_to_json(timetable_of(schedule))}


def job_type_json(kind: JobType) -> Entry:
    told = {key: getattr(kind, JOB_TYPE_COLUMNS.get(key, key)) for key in JOB_TYPE_KEYS}
    return {
        "name": kind.name,
        **told,
        "environment": public(kind.environment),
        "host": kind.host.name if kind.host else None,
        "params": parameters.to_json(parameters_of(kind)),
        "on_fail": OnFailField().to_representation(kind),
    }


def _queue(queue: Queue) -> Entry:
    places = {key: getattr(queue, key) for key in ("schedule", "host", "pool")}
    return {
        "name": queue.name,
        "title": queue.title,
        "enabled": queue.enabled,
        **{key: place.name if place else None for key, place in places.items()},
        "max_running": queue.max_running,
        "weight": queue.weight,
        "autostart_count": queue.autostart_count,
        "keep_days": queue.keep_days,
    }


def _grants() -> Any:
    return Grant.objects.select_related("user", "group", "queue", "type", "host", "pool")


def _grant(grant: Grant) -> Entry:
    holder = {"user": grant.user.get_username()} if grant.user else {"group": str(grant.group)}
    return {**holder, "permission": grant.permission, **grant.limits()}
