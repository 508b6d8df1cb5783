"""A job type's rows as the values that `jobs.parameters` and `jobs.commands` work on."""

from __future__ import annotations

from jobs.models import JobType
from jobs.parameters import Parameter, ParameterType


def parameters_of(kind: JobType) -> tuple[Parameter, ...]:
    """The declared parameters of `kind`, in order."""
    return tuple(
        Parameter(
            name=row.name,
            type=ParameterType(row.type),
            title=row.title or row.name,
            default=row.default,
            required=row.required,
            choices=tuple(row.choices),
        )
        for row in kind.parameters.all()
    )
