"""The values of Secret parameters: kept sealed beside their job, read again by the engine that hands them over."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from hosts.secrets.ring import SecretsUnusable
from jobs.models import JobSecret
from jobs.parameters import Parameter, ParameterType
from jobs.problems import Problem, Problems

logger = logging.getLogger(__name__)

INSERT_BATCH: Final = 2_000
SEALED: Final = JobSecret._meta.get_field("sealed")


def secrets_of(declared: Sequence[Parameter], values: Mapping[str, str]) -> dict[str, str]:
    """Those of checked `values` that are secret and given."""
    names = [parameter.name for parameter in declared if parameter.type == ParameterType.SECRET]
    return {name: values[name] for name in names if values.get(name)}


def keep_secrets(given: Sequence[tuple[int, Mapping[str, str]]]) -> None:
    """Keep the values of saved jobs, by the job's number. Raises Problems if the site has lost its keys."""
    try:
        rows = [JobSecret(job_id=job, sealed=SEALED.seal(json.dumps(values), pk=job)) for job, values in given]
    except SecretsUnusable as problem:
        # Where the keys are is for whoever runs the site, not for all who submit.
        logger.error("%s", problem)
        message = "This site cannot keep secrets now: their keys cannot be used. Its log says more."
        raise Problems([Problem("secrets_unusable", message, "params")]) from problem
    JobSecret.objects.bulk_create(rows, batch_size=INSERT_BATCH)


def read_secrets(jobs: Collection[int]) -> dict[int, Mapping[str, str] | SecretsUnusable]:
    """What each of these jobs was given, or why it cannot be read; those without secrets are left out."""
    return {row.job_id: _opened(row) for row in JobSecret.objects.filter(job__in=jobs)}


def _opened(row: JobSecret) -> Mapping[str, str] | SecretsUnusable:
    try:
        values: Mapping[str, str] = json.loads(SEALED.open(row.sealed, pk=row.job_id))
    except SecretsUnusable as problem:
        return problem
    return values
