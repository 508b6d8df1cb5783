"""What the site itself writes while it works: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin

from jobs.models import Attempt, Engine, Event, Lane, Output, Script
from scheduler_site.admin_parts import RecordAdmin


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
