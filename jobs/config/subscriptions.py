"""Checks and saves subscriptions from plain data. Asks nobody whether they may."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import models, transaction
from rest_framework import serializers

from accounts.audit import changed, record, removed
from accounts.models import User
from hosts.models import Host
from jobs.models import JobType, NoticeKind, Queue, Subscription
from jobs.models.subscription import LATE_LIMIT_SECONDS
from jobs.notices.addresses import place_of, scheme_of
from jobs.notices.delivery import send_again
from jobs.notices.keeping import keep_address
from jobs.notices.sending import means_a_service
from jobs.problems import Problem, Problems, Refused, did_you_mean
from scheduler_site.api.fields import Flag, Number, Strict, Text, Word, read

URL_LENGTH: Final = 4096
MOST: Final = 100
NAMED: Final[dict[str, type[models.Model]]] = {"queue": Queue, "type": JobType, "host": Host}


class SubscriptionForm(Strict):
    """What somebody wants to be told of, and where to."""

    name = Text(max_length=100, allow_blank=False, help_text="What it is for.")
    url = Text(max_length=URL_LENGTH, allow_blank=False, write_only=True,
               help_text="An address as Apprise writes them. It is not shown again.")  # fmt: skip
    events = serializers.ListField(
        child=Word(NoticeKind.values), allow_empty=False, max_length=20, help_text="What it is about."
    )
    enabled = Flag(required=False)
    only_own = Flag(required=False, help_text="Of jobs, only the subscriber's own. Default: true.")
    queue = Text(required=False, allow_null=True, help_text="Name of a queue. Null: any.")
    type = Text(required=False, allow_null=True, help_text="Name of a job type. Null: any.")
    host = Text(required=False, allow_null=True, help_text="Name of a host, for news of hosts. Null: any.")
    late_after = Number(required=False, allow_null=True, min_value=0, max_value=LATE_LIMIT_SECONDS,
                        help_text="Seconds. Needed for, and only for, late.")  # fmt: skip


def define_subscription(data: object, *, owner: User, at: datetime, row: Subscription | None = None) -> Subscription:
    """Save a new subscription of `owner`, or what `data` changes of one. Raises Problems, Refused."""
    given = read(SubscriptionForm, data, is_part=row is not None)
    if row is None and Subscription.objects.filter(owner=owner).count() >= MOST:
        raise Refused(f"You have {MOST} subscriptions already.", code="too_many", hint="Remove one first.")
    problems = _put_rows(given)
    found = row or Subscription(owner=owner, created_at=at)
    _fill(found, given)
    problems += _problems(found, given)
    if problems:
        raise Problems(problems)
    with changed(found):
        found.save()
        if "url" in given:
            keep_address(found, given["url"].strip())
    return found


def remove_subscription(row: Subscription) -> None:
    """Remove the subscription, with what was noted for it."""
    with removed(row):
        row.delete()


def resend(row: Subscription, *, at: datetime) -> int:
    """Let the notices that were given up be tried again. How many there were."""
    with transaction.atomic():
        count = send_again(row.notices.all(), at=at)
        record("resend", kind="jobs.subscription", pk=row.pk, name=str(row), after={"notices": count})
    return count


def _put_rows(given: dict[str, Any]) -> list[Problem]:
    """Put rows in the place of their names. What is wrong with the names."""
    problems = []
    for key, model in NAMED.items():
        name = given.get(key)
        if name is None:
            continue
        rows = model._default_manager.all()
        given[key] = rows.filter(name=name).first() if name.isprintable() else None
        if given[key] is None:
            hint = did_you_mean(name[:100], rows.values_list("name", flat=True)[:1000])
            message = f'There is no {model._meta.verbose_name} "{name[:100]}".'
            problems.append(Problem(f"unknown_{key}", message, key, hint))
    return problems


def _fill(row: Subscription, given: dict[str, Any]) -> None:
    if "events" in given:
        for kind in NoticeKind:
            setattr(row, kind.column, kind in given["events"])
        if not row.on_late and "late_after" not in given:
            row.late_after_seconds = None
    if "late_after" in given:
        row.late_after_seconds = given["late_after"]
    if "url" in given:
        row.place = place_of(given["url"])
    for key in ("name", "enabled", "only_own", *NAMED):
        if key in given:
            setattr(row, key, given[key])


def _problems(row: Subscription, given: dict[str, Any]) -> list[Problem]:
    problems = []
    if not row.name.isprintable():
        problems.append(Problem("bad_name", "A name is one line of printable characters.", "name"))
    if row.on_late and row.late_after_seconds is None:
        hint = "Say after how many seconds."
        problems.append(Problem("required", "When a job is late has to be said.", "late_after", hint))
    if not row.on_late and row.late_after_seconds is not None:
        message = 'This subscription is not about "late" jobs.'
        problems.append(Problem("not_late", message, "late_after", 'Add "late" to events, or leave it out.'))
    if "url" in given and not (given["url"].isprintable() and means_a_service(given["url"].strip())):
        problems.append(_bad_url(given["url"]))
    return problems


def _bad_url(url: str) -> Problem:
    # What stands in it is not repeated: it may be a password.
    shown = f' "{scheme_of(url)}://..."' if scheme_of(url) else ""
    hint = "Such as mailto://user:password@mail.example.org, json://host/path, slack://tokenA/tokenB/tokenC."
    return Problem("bad_url", f"This address{shown} leads to no service that can be used here.", "url", hint)
