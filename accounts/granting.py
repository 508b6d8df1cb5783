"""Checks and saves grants from plain data, whichever edge it came by. Asks nobody whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model

from accounts.audit import changed, removed
from accounts.models import DEFAULT_HOST, LIMITS, SCOPES, Grant, Permission, User
from hosts.models import Host, Pool
from jobs.models import JobType, Queue
from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.api.errors import model_problems
from scheduler_site.api.fields import Strict, Text, Word, read

# What a name under each key means: the model, and its column.
NAMED: Final[Mapping[str, tuple[type[Model], str]]] = {
    "user": (User, "username"),
    "group": (Group, "name"),
    "queue": (Queue, "name"),
    "type": (JobType, "name"),
    "host": (Host, "name"),
    "pool": (Pool, "name"),
}
ANY: Final = "Null: any."


class GrantForm(Strict):
    """Lets a user, or all of a group, do one kind of thing: anywhere, or within all the limits it names."""

    user = Text(required=False, allow_null=True, max_length=150, help_text="User name. Either this or `group`.")
    group = Text(required=False, allow_null=True, max_length=150, help_text="Name of a group.")
    permission = Word(Permission.values)
    queue = Text(required=False, allow_null=True, max_length=100, help_text=ANY)
    type = Text(required=False, allow_null=True, max_length=100, help_text=f"Name of a job type. {ANY}")
    host = Text(
        required=False, allow_null=True, max_length=100,
        help_text=f'{ANY} Of jobs: the host that they ask for; "{DEFAULT_HOST}": only jobs that ask for none.',
    )  # fmt: skip
    pool = Text(required=False, allow_null=True, max_length=100, help_text=ANY)


def define_grant(data: object) -> Grant:
    """Save a new grant. Raises Problems; a grant that there is already is `taken`."""
    given = read(GrantForm, data)
    row = Grant(permission=given["permission"], is_default_host=given.get("host") == DEFAULT_HOST)
    if row.is_default_host:
        del given["host"]
    problems = _limit_problems(row, given) + _name_rows(row, given)
    if problems:
        raise Problems(problems)
    try:
        row.full_clean()
        with changed(row):
            row.save()
    except ValidationError as error:
        raise Problems([_as_taken(problem) for problem in model_problems(error)]) from error
    except IntegrityError as error:  # the same grant, a moment ago, in another process
        raise Problems([TAKEN]) from error
    return row


def remove_grant(row: Grant) -> None:
    """Take the grant away."""
    with removed(row):
        row.delete()


TAKEN: Final = Problem("taken", "There is such a grant already.")


def _as_taken(problem: Problem) -> Problem:
    return TAKEN if problem.message == TAKEN.message else problem


def _limit_problems(row: Grant, given: Mapping[str, Any]) -> list[Problem]:
    possible = LIMITS.get(row.permission, ())
    wrong = [scope for scope in SCOPES if given.get(scope) is not None and scope not in possible]
    if row.is_default_host and "queue" not in possible:
        wrong.append("host")
    hint = f"Possible: {', '.join(possible)}." if possible else "It is for all or nothing."
    return [
        Problem("impossible_limit", f"{row.permission} cannot be limited to a {scope}.", scope, hint) for scope in wrong
    ]


def _name_rows(row: Grant, given: Mapping[str, Any]) -> list[Problem]:
    """Put the things that `given` names into `row`. What is wrong with the names."""
    problems = []
    for key, (model, column) in NAMED.items():
        name = given.get(key)
        if name is None:
            continue
        found = model._default_manager.filter(**{column: name}).first()
        if found is None:
            known = model._default_manager.values_list(column, flat=True)[:1000]
            message = f'There is no {model._meta.verbose_name} "{name[:100]}".'
            problems.append(Problem(f"unknown_{key}", message, key, did_you_mean(name[:100], known)))
        setattr(row, key, found)
    return problems
