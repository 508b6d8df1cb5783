"""Checks and saves queues, schedules and job types from plain data, whichever edge it came by.

The functions that only check (`..._problems`) are for edges that save by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from accounts.audit import changed
from hosts.models import Host, Pool
from jobs import parameters
from jobs.commands import Syntax, compile_command
from jobs.config.forms import JobTypeForm, QueueForm, ScheduleForm, read
from jobs.models import DatedException, JobType, Parameter, Queue, Schedule, Site, Window
from jobs.problems import Problem, Problems, did_you_mean
from jobs.queueing.bell import ring
from jobs.queueing.declarations import parameters_of
from jobs.queueing.timetables import timetable_of
from jobs.timing.timetable_json import TIMETABLE_KEYS, timetable_from_json, timetable_to_json
from jobs.timing.windows import Timetable
from jobs.timing.zones import parse_zone
from scheduler_site.api.errors import model_problems

Row = TypeVar("Row", bound=models.Model)

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
OURS: Final = ("BY_", "BATCHYARD_")
ENVIRONMENT_LIMIT_BYTES: Final = 1024 * 1024


def define_queue(data: object, *, queue: Queue | None = None) -> Queue:
    """Save a new queue, or what `data` changes of one. Raises Problems."""
    given = read(QueueForm, data, is_part=queue is not None)
    problems: list[Problem] = []
    _name_rows(given, {"schedule": Schedule, "host": Host, "pool": Pool}, problems)
    row = _changed(queue or Queue(), given)
    problems += queue_problems(row)
    _raise(problems)
    with changed(row):
        _save(row)
        ring()
    return row


def queue_problems(queue: Queue) -> list[Problem]:
    """What is wrong with an unsaved queue."""
    problems = _model_problems(queue)
    if queue.host_id is not None and queue.pool_id is not None:
        message = "A queue has a default host or a default pool, not both."
        problems.append(Problem("host_and_pool", message, "pool", "Clear one of them."))
    return problems


def define_schedule(data: object, *, schedule: Schedule | None = None) -> Schedule:
    """Save a new schedule, or what `data` changes of one. Raises Problems."""
    told = dict(data) if isinstance(data, Mapping) else {}
    timing = {key: told.pop(key) for key in TIMETABLE_KEYS if key in told}
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    timetable: Timetable | None = None
    try:
        given = read(ScheduleForm, told if isinstance(data, Mapping) else data, is_part=schedule is not None)
    except Problems as found:
        problems += _with_timing_keys(found.problems)
    try:
        timetable = _timetable(timing, schedule)
    except Problems as found:
        problems += found.problems
    _raise(problems)
    given.pop("on_close", None)
    row = _changed(schedule or Schedule(), given)
    assert timetable is not None  # noqa: S101  (its problems have been raised)
    return _save_schedule(row, timetable)


def _with_timing_keys(problems: Sequence[Problem]) -> list[Problem]:
    """Hints about unknown keys, with the keys of times among the known."""
    known = {"name", "title", "on_close", *TIMETABLE_KEYS}
    return [
        Problem(p.code, p.message, p.field, did_you_mean(p.field, known)) if p.code == "unknown_key" and p.field else p
        for p in problems
    ]


def _timetable(timing: Mapping[str, Any], schedule: Schedule | None) -> Timetable:
    """What `timing` says, upon what the schedule says now."""
    current: dict[str, Any] = timetable_to_json(timetable_of(schedule)) if schedule else {}
    if "windows" in timing:
        current = {key: value for key, value in current.items() if key not in {"weekdays", "periods"}}
    elif "weekdays" in timing or "periods" in timing:
        current.pop("windows", None)
    timetable = timetable_from_json({**current, **timing}, default_zone=ZoneInfo(settings.TIME_ZONE))
    if timetable.holidays is not None and timetable.holidays.effect != "closed":
        message = 'Holidays that are "ignored" are days like any other.'
        raise Problems([Problem("bad_holidays", message, "holidays.effect", 'Leave "holidays" out.')])
    return timetable


def _save_schedule(row: Schedule, timetable: Timetable) -> Schedule:
    with changed(row):
        _write_schedule(row, timetable)
        ring()
    return row


def _write_schedule(row: Schedule, timetable: Timetable) -> None:
    row.zone = timetable.zone.key
    row.holidays_country = timetable.holidays.country if timetable.holidays else ""
    row.holidays_subdivision = (timetable.holidays.subdivision or "") if timetable.holidays else ""
    _raise(_model_problems(row))
    _save(row)
    row.windows.all().delete()
    row.exceptions.all().delete()
    Window.objects.bulk_create(
        [Window(schedule=row, weekdays=sorted(w.weekdays), begin=w.begin, end=w.end) for w in timetable.windows]
    )
    said = timetable_to_json(timetable)["exceptions"]
    DatedException.objects.bulk_create(
        [
            DatedException(schedule=row, first=x.first, last=x.last, periods=json.get("periods", []), note=x.note)
            for x, json in zip(timetable.exceptions, said, strict=True)
        ]
    )


def schedule_problems(schedule: Schedule) -> list[Problem]:
    """What is wrong with a schedule's own columns, its windows and exceptions apart."""
    problems = _model_problems(schedule)
    told: dict[str, Any] = {}
    if schedule.holidays_country:
        told = {"country": schedule.holidays_country, "subdivision": schedule.holidays_subdivision or None}
    try:
        parse_zone(schedule.zone, field="zone")
        timetable_from_json({"holidays": told or None})
    except Problems as found:
        problems += [
            Problem(p.code, p.message, HOLIDAY_COLUMNS.get(p.field or "", p.field), p.hint) for p in found.problems
        ]
    return problems


HOLIDAY_COLUMNS: Final = {
    "holidays.country": "holidays_country",
    "holidays.subdivision": "holidays_subdivision",
}


def define_job_type(data: object, *, kind: JobType | None = None) -> JobType:
    """Save a new job type, or what `data` changes of one. Raises Problems."""
    given = read(JobTypeForm, data, is_part=kind is not None)
    problems: list[Problem] = []
    _name_rows(given, {"host": Host}, problems)
    declared = _declared(given, kind, problems)
    row = _changed(kind or JobType(), _columns(given, problems))
    if declared is not None:
        problems += job_type_problems(row, declared)
    _raise(problems)
    return _save_job_type(row, declared or (), is_declared=kind is None or "params" in given)


def _declared(
    given: Mapping[str, Any], kind: JobType | None, problems: list[Problem]
) -> tuple[parameters.Parameter, ...] | None:
    """The parameters from now on; None, and problems told, if they cannot be."""
    if "params" not in given:
        return parameters_of(kind) if kind else ()
    try:
        return parameters.declare(given["params"])
    except Problems as found:
        problems += found.problems
        return None


def _columns(given: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The columns that `given` sets, for a row of JobType."""
    columns = {
        JOB_TYPE_COLUMNS.get(key, key): value for key, value in given.items() if key not in {"params", "on_fail"}
    }
    if "syntax" in columns:
        try:
            columns["syntax"] = Syntax(columns["syntax"]).value
        except Problems as found:
            problems += found.problems
            del columns["syntax"]
    return {**columns, **given.get("on_fail", {})}


JOB_TYPE_COLUMNS: Final = {
    "time_limit": "time_limit_seconds",
    "lost_after": "lost_after_seconds",
    "grace": "grace_seconds",
}


def job_type_problems(kind: JobType, declared: Sequence[parameters.Parameter]) -> list[Problem]:
    """What is wrong with an unsaved job type that declares these parameters."""
    problems = _model_problems(kind, except_for={"template"})
    problems += variable_problems(kind.environment, field="environment")
    try:
        compile_command(kind.template, names=names_for(declared), syntax=Syntax(kind.syntax))
    except Problems as found:
        problems += [problem if problem.field else problem.under("template") for problem in found.problems]
    return problems


def names_for(declared: Sequence[parameters.Parameter]) -> frozenset[str]:
    """All names that a template may mean: its parameters, the site's variables and those of any host."""
    of_hosts = {name for told in Host.objects.values_list("variables", flat=True) for name in told}
    return frozenset({one.name for one in declared} | set(Site.get().variables) | of_hosts)


def variable_problems(variables: object, *, field: str) -> list[Problem]:
    """What is wrong with environment variables by name: their names, and values that no environment can hold."""
    if not isinstance(variables, Mapping):
        return [Problem("wrong_type", "Variables are an object: texts by name.", field)]
    problems = [p for name, value in variables.items() if (p := _variable_problem(name, value, field))]
    size_bytes = sum(len(f"{name}={value}".encode("utf-8", "surrogatepass")) for name, value in variables.items())
    if size_bytes > ENVIRONMENT_LIMIT_BYTES:
        message = f"The variables have {size_bytes} bytes together; {ENVIRONMENT_LIMIT_BYTES} are possible."
        problems.append(Problem("too_long", message, field))
    return problems


def _variable_problem(name: object, value: object, field: str) -> Problem | None:
    if not isinstance(name, str) or not VARIABLE.fullmatch(name) or name.startswith(OURS):
        hint = "Possible: up to 128 letters, digits and _, not starting with a digit, BY_ or BATCHYARD_."
        return Problem("bad_name", f"{str(name)[:100]!r} cannot name a variable.", field, hint)
    if not isinstance(value, str) or "\0" in value:
        return Problem("wrong_type", f'The variable "{name}" must be text without NUL.', f"{field}.{name}")
    return None


def _save_job_type(row: JobType, declared: Sequence[parameters.Parameter], *, is_declared: bool) -> JobType:
    with changed(row):
        _save(row)
        if is_declared:
            _declare(row, declared)
        ring()
    return row


def _declare(row: JobType, declared: Sequence[parameters.Parameter]) -> None:
    row.parameters.all().delete()
    if declared:
        Parameter.objects.bulk_create(
            [
                Parameter(
                    job_type=row, position=position, name=one.name, type=one.type, title=one.title,
                    default=one.default, required=one.required, choices=list(one.choices),
                )
                for position, one in enumerate(declared)
            ]
        )  # fmt: skip


def _name_rows(given: dict[str, Any], known: Mapping[str, type[models.Model]], problems: list[Problem]) -> None:
    """Put rows in the place of their names."""
    for key, model in known.items():
        name = given.get(key)
        if name is None:
            continue
        rows = model._default_manager.all()
        row = rows.filter(name=name).first()
        if row is None:
            hint = did_you_mean(name[:100], rows.values_list("name", flat=True))
            noun = model._meta.verbose_name
            problems.append(Problem(f"unknown_{key}", f'There is no {noun} "{name[:100]}".', key, hint))
        given[key] = row


def _changed(row: Row, columns: Mapping[str, Any]) -> Row:
    for name, value in columns.items():
        setattr(row, name, value)
    return row


def _model_problems(row: models.Model, *, except_for: set[str] | None = None) -> list[Problem]:
    """What the model's own rules say; a name that is taken is said as that."""
    try:
        row.full_clean(exclude=except_for, validate_constraints=False)
    except ValidationError as error:
        return list(model_problems(error))
    return []


def _save(row: models.Model) -> None:
    """Save all columns: the row was read, changed and checked as a whole. Raises Problems if its name is taken."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if type(row)._default_manager.filter(name=getattr(row, "name", "")).exclude(pk=row.pk).exists():
            noun = row._meta.verbose_name
            message = f'There is a {noun} "{row}" already.'
            raise Problems([Problem("taken", message, "name", "Choose another name.")]) from error
        raise


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise Problems(problems)
