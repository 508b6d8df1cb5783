"""What the site itself writes while it works: to look at, never to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs.models import Attempt, Engine, Event, Lane, Notice, Output, Script, Subscription
from scheduler_site.admin_parts import RecordAdmin, RevocableAdmin


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin[Attempt]):
    list_display = ("id", "job", "number", "host", "phase", "outcome", "exit_code", "claimed_at", "finished_at")
    list_filter = ("outcome", "phase", "host", "is_unconfirmed")
    list_select_related = ("job", "host")
    search_fields = ("=job__id", "=marker")
    ordering = ("-id",)


@admin.register(Output)
class OutputAdmin(RecordAdmin[Output]):
    list_display = ("id", "attempt", "stream", "size_bytes", "sealed_at", "sha256")
    list_filter = ("stream",)
    list_select_related = ("attempt",)
    search_fields = ("=attempt__job__id",)
    ordering = ("-id",)


@admin.register(Event)
class EventAdmin(RecordAdmin[Event]):
    list_display = ("id", "at", "job_id", "attempt", "was", "now", "actor", "reason")
    list_filter = ("now",)
    search_fields = ("=job_id", "=actor")
    ordering = ("-id",)


@admin.register(Lane)
class LaneAdmin(RecordAdmin[Lane]):
    list_display = ("id", "queue", "type", "host")
    list_filter = ("queue", "type", "host")
    list_select_related = ("queue", "type", "host")


@admin.register(Script)
class ScriptAdmin(RecordAdmin[Script]):
    list_display = ("digest", "interpreter")
    search_fields = ("^digest",)
    ordering = ("digest",)


@admin.register(Engine)
class EngineAdmin(RecordAdmin[Engine]):
    list_display = ("name", "started_at", "seen_at")
    ordering = ("name",)


@admin.register(Subscription)
class SubscriptionAdmin(RevocableAdmin[Subscription]):
    """Everybody makes their own; whoever may do everything may end them."""

    list_display = ("id", "owner", "name", "place", "enabled", "created_at")
    list_filter = ("enabled", "owner")
    list_select_related = ("owner",)
    search_fields = ("name", "=owner__username")
    exclude = ("secret_url",)

    def get_deleted_objects(
        self, objs: QuerySet[Subscription] | Sequence[Subscription], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Its notices go with it: they have no life of their own, and need no permission of their own."""
        return [str(row) for row in objs], {}, self.not_permitted(request, "delete", objs), []


@admin.register(Notice)
class NoticeAdmin(RecordAdmin[Notice]):
    """What there was to tell. Those that were given up are `dead`, and the reason."""

    list_display = ("id", "at", "subscription", "kind", "thing", "name", "delivery", "tries", "next_at", "error")
    list_filter = ("delivery", "kind")
    list_select_related = ("subscription", "subscription__owner")
    search_fields = ("=thing", "=name", "=subscription__owner__username")
    ordering = ("-id",)
