"""The API's own description holds for everybody who comes in, whichever way; and reading changes nothing."""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import transaction
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from accounts.models import Session, Token, User
from jobs.models import Job, Site
from scheduler_site.env import Environment
from tests.accounts.parts import PASSWORD, basic
from tests.api.parts import V1
from tests.api.test_schema import CHECKS, UNASKED, full_site, schema

__all__ = ["full_site"]

EXAMPLES = 20 if os.environ.get("BATCHYARD_FUZZ") else 1
SECRET = "0123456789abcdef0123456789abcdef"
SAFE = frozenset({"get", "head", "options"})
# What says of itself when it was last used, to the minute, and what the tools of tests write.
USES = frozenset({"last_used_at", "last_seen_at", "seen_at"})
# Things that are there, by the part of the address before them.
KNOWN = {
    "queues": "nightly", "job-types": "render", "schedules": "first", "pools": "first", "hosts": "localhost",
    "users": "alice",
}  # fmt: skip


class Proof(NamedTuple):
    """What a request brings to say whom it comes from."""

    headers: Mapping[str, str]
    cookies: Mapping[str, str] = {}


def by_token(owner: User, config: LazySettings, *, is_read_only: bool = False) -> Proof:
    _row, token = Token.objects.create(owner, is_read_only=is_read_only)  # type: ignore[no-untyped-call]
    return Proof({"Authorization": f"Token {token}"})


def by_reading_token(owner: User, config: LazySettings) -> Proof:
    return by_token(owner, config, is_read_only=True)


def by_password(owner: User, config: LazySettings) -> Proof:
    owner.set_password(PASSWORD)
    owner.save(update_fields=["password"])
    return Proof({"Authorization": basic(owner.get_username())})


def by_session(owner: User, config: LazySettings) -> Proof:
    client = Client()
    client.force_login(owner)
    csrf = _get_new_csrf_string()
    key = client.cookies[config.SESSION_COOKIE_NAME].value
    return Proof({"X-CSRFToken": csrf}, {config.SESSION_COOKIE_NAME: key, config.CSRF_COOKIE_NAME: csrf})


def by_proxy(owner: User, config: LazySettings) -> Proof:
    config.BATCHYARD_AUTH = ["header", "token", "basic", "session"]
    config.BATCHYARD_TRUSTED_PROXIES = Environment({"P": "127.0.0.1, unix"}).networks("P")
    config.BATCHYARD_PROXY_SECRET = SECRET
    return Proof({"X-Auth-User": owner.get_username(), "X-Proxy-Secret": SECRET})


def by_nothing(owner: User, config: LazySettings) -> Proof:
    config.BATCHYARD_AUTH = ["disabled"]
    config.BATCHYARD_LOCAL_USER = owner.get_username()
    return Proof({})


WAYS: dict[str, Callable[[User, LazySettings], Proof]] = {
    "session": by_session, "token": by_token, "reading token": by_reading_token, "basic": by_password,
    "header": by_proxy, "disabled": by_nothing,
}  # fmt: skip


@functools.cache
def examples() -> tuple[Any, ...]:
    """Requests to all of the API, the same ones for everybody: those that only read first."""
    found: list[Any] = list(schema.exclude(path_regex=UNASKED).get_all_operations())
    in_order = sorted((one.ok() for one in found), key=lambda operation: operation.method not in SAFE)
    return tuple(case for operation in in_order for case in _examples_of(operation))


def _examples_of(operation: Any) -> list[Any]:
    """Some requests of one kind."""
    cases: list[Any] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        # The proof of whom it comes from is the test's, not one of those that are made up from the description.
        case.cookies = {}
        case.headers = {name: value for name, value in (case.headers or {}).items() if name != "Authorization"}
        cases.append(case)

    collect()
    return cases


def rows() -> dict[str, list[Any]]:
    """All that the database holds, but for when something was used last."""
    return {model._meta.label: _rows(model) for model in apps.get_models() if model is not Session}


def _rows(model: Any) -> list[Any]:
    columns = [field.attname for field in model._meta.concrete_fields if field.attname not in USES]
    return list(model._base_manager.order_by("pk").values_list(*columns))


def answered(proof: Proof, *, is_safe: bool) -> dict[str, set[int]]:
    """The statuses by operation. Raises what is not as described. Of what is changed nothing stays."""
    statuses: dict[str, set[int]] = defaultdict(set)
    for case in examples():
        if (case.operation.method in SAFE) is is_safe:
            if case.operation.label not in statuses:
                # The first of its kind leads to something that is there.
                case.path_parameters = {**(case.path_parameters or {}), **_known(case.operation.path)}
            with transaction.atomic():
                answer = case.call(headers=dict(proof.headers), cookies=dict(proof.cookies))
                transaction.set_rollback(not is_safe)
            case.validate_response(answer, checks=CHECKS)
            statuses[case.operation.label].add(answer.status_code)
    return statuses


def _known(path: str) -> dict[str, Any]:
    """What stands for the parameters of an address, so that it leads to something."""
    noun = path.removeprefix(f"{V1}/").split("/")[0]
    found: dict[str, Any] = {}
    if "{name}" in path and noun in KNOWN:
        found["name"] = KNOWN[noun]
    if "{id}" in path and noun == "jobs":
        found["id"] = Job.objects.order_by("pk").values_list("pk", flat=True)[0]
    return found


@pytest.mark.parametrize("way", WAYS)
def test_all_of_the_api_is_as_described_and_reading_changes_nothing(
    way: str, full_site: None, alice: User, settings: LazySettings
) -> None:
    proof = WAYS[way](alice, settings)
    Site.get()  # its row is made by whoever asks first, mostly an engine
    before = rows()

    read, after = answered(proof, is_safe=True), rows()
    changed = answered(proof, is_safe=False)

    assert after == before
    assert not [label for label, statuses in read.items() if {401, 403} & statuses]
    assert not [label for label, statuses in changed.items() if 401 in statuses]
    assert {200} in read.values()
    assert (way == "reading token") is (set().union(*changed.values()) == {403})


def test_without_any_way_in_nothing_is_told_or_changed(full_site: None) -> None:
    before = rows()

    told = answered(Proof({}), is_safe=True) | answered(Proof({}), is_safe=False)

    assert [label for label, statuses in told.items() if statuses != {401}] == []
    assert rows() == before
