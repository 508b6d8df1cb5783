"""What stands beside and on the first page of the administration, in the order in which people think of it."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry, Grant, Token, User
from hosts.models import Host, Lease, Ownership, Pool
from jobs.models import (
    Attempt,
    Engine,
    Event,
    Job,
    JobType,
    Lane,
    Notice,
    Output,
    Queue,
    Schedule,
    Script,
    Site,
    Subscription,
)

# Groups of (model, icon, what it is).
MENU: Final[tuple[tuple[Any, tuple[tuple[type[Model], str, Any], ...]], ...]] = (
    (
        _("Work"),
        (
            (Queue, "queue", _("Ordered lists of jobs: when and where they run, and how many at once.")),
            (Job, "list_alt", _("What was submitted, and what became of it.")),
            (JobType, "terminal", _("Command templates and their parameters; limits and retries.")),
            (Schedule, "calendar_month", _("When jobs may start: windows, exceptions, holidays.")),
        ),
    ),
    (
        _("Machines"),
        (
            (Host, "dns", _("Where jobs run: this machine, and others over SSH.")),
            (Pool, "lan", _("Hosts that stand in for each other, in order.")),
        ),
    ),
    (
        _("People"),
        (
            (User, "person", _("Accounts and what they may do.")),
            (Group, "group", _("Rights that several accounts share.")),
            (Grant, "rule", _("Who may do what, and where.")),
            (Token, "key", _("What opens the API. Deleting one revokes it.")),
            (Subscription, "notifications", _("Who wants to be told of what, and where.")),
        ),
    ),
    (
        _("System"),
        (
            (Site, "settings", _("Pause everything; values for all templates.")),
            (AccessAttempt, "lock_person", _("Wrong passwords. Deleting one lets its name in again.")),
            (AccessLog, "login", _("Who signed in and out.")),
            (AuditEntry, "policy", _("Who changed what, when and from where.")),
            (LogEntry, "history", _("What was changed on these pages, and by whom.")),
            (Notice, "outbox", _("What there was to tell, and what was given up.")),
            (Engine, "memory", _("The processes that run jobs.")),
            (Attempt, "play_circle", _("Each execution of a job on a host.")),
            (Output, "article", _("How much each attempt wrote.")),
            (Event, "timeline", _("Every change of a job's state.")),
            (Script, "code", _("The commands as they were started.")),
            (Lane, "alt_route", _("Combinations of queue, type and host in use.")),
            (Lease, "event_seat", _("Which seat of a host is or was whose.")),
            (Ownership, "badge", _("Which engine looks after which host.")),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What `request`'s user may look at, as unfold's sidebar wants it."""
    groups = [{"title": title, "items": _entries(request, entries)} for title, entries in MENU]
    way_back = {"title": _("Back to the site"), "icon": "arrow_back", "link": reverse("home"), "active": False}
    return [{"items": [way_back]}, *(group for group in groups if group["items"])]


def _entries(request: HttpRequest, entries: tuple[tuple[type[Model], str, Any], ...]) -> list[dict[str, Any]]:
    return [
        {
            "title": capfirst(str(model._meta.verbose_name_plural)),
            "icon": icon,
            "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
            "description": description,
        }
        for model, icon, description in entries
        if admin.site.get_model_admin(model).has_view_permission(request)
    ]
