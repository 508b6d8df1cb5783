"""Checks and saves accounts and groups from plain data. Asks nobody whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from rest_framework import serializers

from accounts.audit import changed, removed
from accounts.models import User
from jobs.problems import Problem, Problems, Refused, did_you_mean
from scheduler_site.api.errors import model_problems
from scheduler_site.api.fields import Flag, Strict, Text, read

PASSWORD_LIMIT: Final = 4096
COLUMNS: Final = {"name": "username", "enabled": "is_active", "staff": "is_staff", "superuser": "is_superuser"}


class UserForm(Strict):
    """An account."""

    name = Text(max_length=150)
    password = Text(required=False, max_length=PASSWORD_LIMIT, help_text="Without one nobody can log in with one.")
    email = Text(required=False, max_length=254)
    enabled = Flag(required=False)
    staff = Flag(required=False, help_text="May open the admin pages; what is there, grants say.")
    superuser = Flag(required=False, help_text="May do everything.")
    groups = serializers.ListField(child=Text(max_length=150), required=False, max_length=1000)


class OwnPasswordForm(Strict):
    """What people may change of their own account."""

    password = Text(max_length=PASSWORD_LIMIT)
    current_password = Text(max_length=PASSWORD_LIMIT)


class GroupForm(Strict):
    """People who may do the same."""

    name = Text(max_length=150)
    users = serializers.ListField(child=Text(max_length=150), required=False, max_length=10_000)


def define_user(data: object, *, user: User | None = None) -> User:
    """Save a new account, or what `data` changes of one. Raises Problems."""
    given = read(UserForm, data, is_part=user is not None)
    groups = _named(Group, "name", given.pop("groups", None), key="groups")
    row = user or User()
    password = given.pop("password", None)
    for key, value in given.items():
        setattr(row, COLUMNS.get(key, key), value)
    if password is not None:
        _set_password(row, password)
    elif user is None:
        row.set_unusable_password()
    with changed(row):
        _save(row, key="name")
        if groups is not None:
            row.groups.set(groups)
    return row


def change_own_password(user: User, data: object) -> User:
    """Change a password by whoever knows the present one. Raises Problems."""
    given = read(OwnPasswordForm, data)
    if not user.check_password(given["current_password"]):
        raise Problems([Problem("wrong_password", "This is not the present password.", "current_password")])
    _set_password(user, given["password"])
    with changed(user, action="change password"):
        user.save(update_fields=["password"])
    return user


def _set_password(row: User, password: str) -> None:
    try:
        validate_password(password, row)
    except ValidationError as error:
        raise Problems([Problem("bad_password", text, "password") for text in error.messages]) from error
    row.set_password(password)


def define_group(data: object, *, group: Group | None = None) -> Group:
    """Save a new group, or what `data` changes of one. Raises Problems."""
    given = read(GroupForm, data, is_part=group is not None)
    users = _named(User, "username", given.get("users"), key="users")
    row = group or Group()
    row.name = given.get("name", row.name)
    with changed(row):
        _save(row, key="name")
        if users is not None:
            row.user_set.set(users)
    return row


def remove_user(user: User) -> None:
    """Remove the account with its tokens and grants. Raises Refused if it owns jobs."""
    try:
        with removed(user):
            user.delete()
    except ProtectedError as error:
        hint = "Disable the account instead; its jobs stay readable."
        raise Refused(f'User "{user}" owns {user.jobs.count()} jobs.', code="in_use", hint=hint) from error


def remove_group(group: Group) -> None:
    """Remove the group with its grants; its users stay."""
    with removed(group):
        group.delete()


def _named(model: type[Any], column: str, names: list[str] | None, *, key: str) -> list[Any] | None:
    """The rows of these names. Raises Problems for those that do not exist."""
    if names is None:
        return None
    found: Mapping[str, Any] = {getattr(row, column): row for row in model.objects.filter(**{f"{column}__in": names})}
    problems = [
        Problem(
            f"unknown_{model._meta.model_name}", f'There is no {model._meta.verbose_name} "{name[:100]}".',
            f"{key}[{place}]", did_you_mean(name[:100], model.objects.values_list(column, flat=True)[:1000]),
        )
        for place, name in enumerate(names)
        if name not in found
    ]  # fmt: skip
    if problems:
        raise Problems(problems)
    return list(found.values())


def _save(row: User | Group, *, key: str) -> None:
    taken = Problem("taken", f'There is a {row._meta.verbose_name} "{row}" already.', key, "Choose another name.")
    try:
        row.full_clean(exclude=["password"])
        with transaction.atomic():
            row.save()
    except ValidationError as error:
        problems = list(model_problems(error))
        raise Problems([taken if one.code == "taken" else _renamed(one) for one in problems]) from error
    except IntegrityError as error:
        raise Problems([taken]) from error


def _renamed(problem: Problem) -> Problem:
    """The problem under the key by which clients know the column."""
    keys = {column: key for key, column in COLUMNS.items()}
    return Problem(problem.code, problem.message, keys.get(problem.field or "", problem.field), problem.hint)
