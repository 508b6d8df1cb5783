"""Who changed what: to be listed and taken away by those who may do everything, and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.urls import re_path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy, trail
from accounts.models import AuditEntry
from jobs.problems import Problem, Problems
from scheduler_site.api.fields import moment
from scheduler_site.api.paging import PAGE_WORDS, check_words
from scheduler_site.api.views import caller

FILTERS: Final = [
    OpenApiParameter("actor", str, description="User name."),
    OpenApiParameter("action", str, description="Such as add, change, remove, submit, log in."),
    OpenApiParameter("kind", str, description="Such as jobs.queue."),
    OpenApiParameter("name", str, description="Of the thing: a queue's name, a job's id."),
    OpenApiParameter("request", str, description="Number of a request, as X-Request-Id told it."),
    OpenApiParameter("since", str, description="ISO 8601 with an offset; included."),
    OpenApiParameter("until", str, description="ISO 8601 with an offset; not included."),
]


class AuditEntryAnswer(serializers.Serializer[Any]):
    """Who changed what, when and from where."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="User name; empty: the site itself.")
    mode = serializers.CharField(help_text="session, token, basic, command, or empty.")
    peer = serializers.CharField(help_text="Address of the client.")
    request_id = serializers.CharField()
    action = serializers.CharField()
    kind = serializers.CharField()
    object_id = serializers.CharField()
    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True, help_text="Of a change, what differs.")
    after = serializers.JSONField(allow_null=True)


def _asked(request: Request, *, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """The filters of the address. Raises Problems for those that nobody reads or that cannot be meant."""
    check_words(request.query_params, [*trail.FILTERS, *also])
    asked: dict[str, Any] = {key: request.query_params.get(key) for key in trail.FILTERS}
    return asked | {key: _moment(asked[key], key) for key in ("since", "until")}


def _moment(text: str | None, field: str) -> datetime | None:
    try:
        return moment(text.replace(" ", "+")) if text is not None else None
    except ValueError as problem:
        hint = 'Write it like "2026-01-31T22:00:00Z".'
        raise Problems([Problem("bad_time", str(problem), field, hint)]) from problem


class AuditView(GenericAPIView[AuditEntry]):
    """The audit."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntryAnswer
    ordering = ("-id",)

    @extend_schema(operation_id="audit_list", parameters=FILTERS, responses=AuditEntryAnswer(many=True))
    def get(self, request: Request) -> Response:
        """The newest first."""
        policy.require(caller(request), "view", AuditEntry)
        page = self.paginate_queryset(trail.narrowed(self.get_queryset(), _asked(request, also=PAGE_WORDS)))
        return self.get_paginated_response([trail.entry_json(entry) for entry in page or []])


class AuditExportView(GenericAPIView[AuditEntry]):
    """The audit as a file."""

    queryset = AuditEntry.objects.all()
    pagination_class = None

    @extend_schema(
        operation_id="audit_export",
        parameters=[OpenApiParameter("as", str, enum=list(trail.FORMATS), description="Default: jsonl."), *FILTERS],
        responses={(200, "application/jsonl"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The oldest first."""
        policy.require(caller(request), "view", AuditEntry)
        rows = trail.narrowed(self.get_queryset(), _asked(request, also=("as",)))
        return exported(rows, request.query_params.get("as", "jsonl"))


def exported(rows: Any, wanted: str) -> StreamingHttpResponse:
    """`rows` as a file. Raises Problems if there is no such format."""
    if wanted not in trail.FORMATS:
        message = f'There is no format "{wanted[:40]}".'
        raise Problems([Problem("unknown_word", message, "as", f"Possible: {', '.join(trail.FORMATS)}.")])
    content_type, lines = trail.FORMATS[wanted]
    headers = {"Content-Disposition": f'attachment; filename="audit.{wanted}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(lines(rows), content_type=content_type, headers=headers)


URLS: Final = [
    re_path("^audit/?$", AuditView.as_view(), name="api-audit"),
    re_path("^audit/export/?$", AuditExportView.as_view(), name="api-audit-export"),
]
