"""Makes a site's definitions what a text says: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from accounts.audit import SECRET, changed, stored
from accounts.granting import TAKEN, define_grant
from hosts.definitions import save_host, save_pool
from hosts.models import Host, Pool
from jobs.config.definitions import define_job_type, define_queue, define_schedule, variable_problems
from jobs.config.text.reading import Document
from jobs.config.text.schema import HostShape, PoolShape, SiteShape, shaped
from jobs.models import JobType, Queue, Schedule, Site
from jobs.problems import Problem, Problems, did_you_mean
from jobs.queueing.bell import ring
from scheduler_site.api.errors import model_problems

Define = Callable[[Mapping[str, Any], Any], models.Model]


class DryRun(Exception):
    """Nothing of it is to stay."""


@dataclass
class Applied:
    """What was done: a phrase for each thing. `warnings` are about what was done all the same."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    warnings: list[str] = field(default_factory=list)


def apply(document: Document, *, is_dry_run: bool = False) -> Applied:
    """Make and change what the document names; nothing else is touched, nothing is removed.

    Raises Problems, with lines, if any of it is impossible; nothing has then been changed.
    """
    done = Applied()
    try:
        with transaction.atomic():
            _apply(document, done)
            if is_dry_run:
                raise DryRun
    except DryRun:
        return done
    return done


def _apply(document: Document, done: Applied) -> None:
    try:
        told = shaped(SiteShape, document.value)
    except Problems as found:
        document.raise_told(found)
    done.warnings += _warnings(document)
    problems: list[Problem] = []
    with _at(document, "variables", problems):
        _define_variables(told.variables, done)
    for kind, entries in _entries(document):
        for place, entry in enumerate(entries):
            with _at(document, f"{kind}[{place}]", problems):
                DEFINED[kind](entry, done)
    if problems:
        raise Problems(problems)


def _entries(document: Document) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What the document lists, kind by kind, as it was written: what it does not say stays as it is."""
    for kind in DEFINED:
        yield kind, document.value.get(kind) or []


@contextmanager
def _at(document: Document, place: str, problems: list[Problem]) -> Iterator[None]:
    """Collects what is wrong at this place, with its lines."""
    try:
        with transaction.atomic():
            yield
    except Problems as found:
        problems += [document.told(problem.under(place)) for problem in found.problems]
    except ValidationError as error:
        problems += [document.told(problem.under(place)) for problem in model_problems(error)]


def _warnings(document: Document) -> list[str]:
    """Values in plain text whose names speak of secrets."""
    told = [("variables", document.value.get("variables") or {})]
    for kind, key in (("hosts", "variables"), ("job-types", "environment")):
        for place, entry in enumerate(document.value.get(kind) or []):
            values = entry.get(key)
            told.append((f"{kind}[{place}].{key}", values if isinstance(values, dict) else {}))
    return [
        str(document.told(Problem("secret", "This looks like a secret, in plain text.", f"{path}.{name}")))
        for path, values in told
        for name in values
        if SECRET.search(name)
    ]


def merged(before: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """`told`, and those of `before` that no export tells: what is not told is not removed."""
    return {**{name: value for name, value in before.items() if SECRET.search(name)}, **told}


def _define_variables(told: Mapping[str, str], done: Applied) -> None:
    site = Site.get()
    wanted = {**site.variables, **told}
    if problems := variable_problems(wanted, field="variables"):
        raise Problems([Problem(p.code, p.message, None, p.hint) for p in problems])
    if wanted == site.variables:
        return
    site.variables = wanted
    with changed(site):
        site.save(update_fields=["variables"])
        ring()
    done.changed.append("the site's variables")


def _upsert(model: type[Any], define: Define) -> Callable[[dict[str, Any], Applied], None]:
    """How an entry becomes a row of `model`: a new one, or changes of the one of its name."""
    noun = str(model._meta.verbose_name)

    def run(entry: dict[str, Any], done: Applied) -> None:
        name = entry.get("name")
        row = model._default_manager.filter(name=name).first() if isinstance(name, str) else None
        before = stored(row) if row else None
        made = define(entry, row)
        if row is None:
            done.made.append(f'{noun} "{made}"')
        elif stored(made) != before:
            done.changed.append(f'{noun} "{made}"')
        else:
            done.unchanged += 1

    return run


def define_host(entry: Mapping[str, Any], row: Host | None) -> Host:
    """Save a new host, or what `entry` changes of one. Raises Problems, ValidationError."""
    shape = shaped(HostShape, entry)
    host = row or Host()
    for key in shape.model_fields_set:
        value = getattr(shape, key)
        if key == "host_keys":
            value = "\n".join(value)
        if key == "variables":
            value = merged(host.variables, value)
        setattr(host, key, value)
    return save_host(host)


def define_pool(entry: Mapping[str, Any], row: Pool | None) -> Pool:
    """Save a new pool, or what `entry` changes of one. Raises Problems, ValidationError."""
    shape = shaped(PoolShape, entry)
    known = {host.name: host for host in Host.objects.filter(name__in=shape.hosts)}
    missing = [(place, name) for place, name in enumerate(shape.hosts) if name not in known]
    if missing:
        names = list(Host.objects.values_list("name", flat=True)[:1000])
        raise Problems(
            [
                Problem("unknown_host", f'There is no host "{name}".', f"hosts[{place}]", did_you_mean(name, names))
                for place, name in missing
            ]
        )
    pool = row or Pool()
    pool.name = shape.name
    if "title" in shape.model_fields_set:
        pool.title = shape.title
    return save_pool(pool, [known[name] for name in shape.hosts] if "hosts" in shape.model_fields_set else None)


def _job_type(entry: Mapping[str, Any], row: JobType | None) -> JobType:
    environment = entry.get("environment")
    if row and isinstance(environment, dict):
        entry = {**entry, "environment": merged(row.environment, environment)}
    return define_job_type(entry, kind=row)


def _define_grant(entry: dict[str, Any], done: Applied) -> None:
    try:
        with transaction.atomic():
            done.made.append(f'grant "{define_grant(entry)}"')
    except Problems as found:
        if list(found.problems) != [TAKEN]:
            raise
        done.unchanged += 1
    except IntegrityError as error:
        raise Problems([Problem("bad_grant", "Such a grant is not possible.")]) from error


DEFINED: Final[Mapping[str, Callable[[dict[str, Any], Applied], None]]] = {
    "hosts": _upsert(Host, define_host),
    "pools": _upsert(Pool, define_pool),
    "schedules": _upsert(Schedule, lambda entry, row: define_schedule(entry, schedule=row)),
    "job-types": _upsert(JobType, _job_type),
    "queues": _upsert(Queue, lambda entry, row: define_queue(entry, queue=row)),
    "grants": _define_grant,
}
