"""A job type's rows as the values that `jobs.parameters` and `jobs.commands` work on."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from jobs.models import JobType
from jobs.models import Parameter as ParameterRow
from jobs.parameters import Parameter, ParameterType
from scheduler_site.records import query

ATTRIBUTES: Final = tuple(field.attname for field in JobType._meta.concrete_fields)
TYPES: Final = "SELECT {columns} FROM jobs_jobtype WHERE {key} IN ({places})"
PARAMETERS: Final = """
    SELECT p.job_type_id, p.name, p.type, p.title, p."default", p.required, p.choices
    FROM jobs_parameter p JOIN jobs_jobtype t ON t.id = p.job_type_id WHERE t.{key} IN ({places})
    ORDER BY p.position, p.id
"""

Row = tuple[Any, ...]


class Kind(NamedTuple):
    """A job type and its declared parameters, in order. Shared by all who ask: not to be changed."""

    type: JobType
    parameters: tuple[Parameter, ...]


def parameters_of(kind: JobType) -> tuple[Parameter, ...]:
    """The declared parameters of `kind`, in order."""
    return tuple(map(_parameter, kind.parameters.all()))


def kinds_by_id(types: Collection[int]) -> dict[int, Kind]:
    """Each of `types` that there is, in two queries."""
    return {kind.type.pk: kind for kind in _read("id", types)}


def kinds_by_name(names: Collection[str]) -> dict[str, Kind]:
    """The types of these names, as far as there are any, in two queries."""
    return {kind.type.name: kind for kind in _read("name", names)}


def _read(key: str, wanted: Collection[int] | Collection[str]) -> list[Kind]:
    # In SQL, as it is asked for every few jobs that come or start; what the rows say is understood once for as long as
    # they say the same.
    if not wanted:
        return []
    places = ", ".join(["%s"] * len(wanted))
    columns = ", ".join(f'"{field.column}"' for field in JobType._meta.concrete_fields)
    declared: dict[int, list[Row]] = {}
    for type_, *row in query(PARAMETERS.format(key=key, places=places), list(wanted)):
        declared.setdefault(type_, []).append(tuple(row))
    rows = query(TYPES.format(columns=columns, key=key, places=places), list(wanted))
    return [_kind(row, tuple(declared.get(row[0], ()))) for row in rows]


@functools.lru_cache(maxsize=1000)
def _kind(row: Row, parameters: tuple[Row, ...]) -> Kind:
    values: Mapping[str, Any] = dict(zip(ATTRIBUTES, row, strict=True))
    loaded = {**values, "environment": json.loads(values["environment"])}
    type_ = JobType.from_db(None, ATTRIBUTES, list(loaded.values()))
    return Kind(type_, tuple(map(_declared, parameters)))


def _declared(row: Row) -> Parameter:
    name, type_, title, default, required, choices = row
    return _parameter(
        ParameterRow(
            name=name, type=type_, title=title, default=default, required=bool(required), choices=json.loads(choices)
        )
    )


def _parameter(row: ParameterRow) -> Parameter:
    return Parameter(
        name=row.name,
        type=ParameterType(row.type),
        title=row.title or row.name,
        default=row.default,
        required=row.required,
        choices=tuple(row.choices),
    )
