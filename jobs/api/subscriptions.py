"""What the caller wants to be told of, and what they were told."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from hosts.models import Host
from jobs.config.subscriptions import SubscriptionForm, define_subscription, remove_subscription, resend
from jobs.models import Delivery, JobType, Notice, NoticeKind, Queue, Subscription
from jobs.notices.words import line_of
from scheduler_site.api.views import StrictFilters, caller

NAMED: Final[Any] = {"queue": Queue, "type": JobType, "host": Host}


class SubscriptionAnswer(serializers.Serializer[Any]):
    """What one wants to be told of. The address itself is never told."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    to = serializers.CharField(help_text="What may be shown of the address.")
    events = serializers.ListField(child=serializers.ChoiceField(NoticeKind.values))
    enabled = serializers.BooleanField()
    only_own = serializers.BooleanField()
    queue = serializers.CharField(allow_null=True)
    type = serializers.CharField(allow_null=True)
    host = serializers.CharField(allow_null=True)
    late_after = serializers.IntegerField(allow_null=True, help_text="Seconds.")
    created_at = serializers.DateTimeField()


class NoticeAnswer(serializers.Serializer[Any]):
    """One thing that was to be told."""

    id = serializers.IntegerField()
    event = serializers.ChoiceField(NoticeKind.values)
    text = serializers.CharField()
    at = serializers.DateTimeField()
    delivery = serializers.ChoiceField(Delivery.values)
    tries = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="Why the last try failed.")
    ended_at = serializers.DateTimeField(allow_null=True)


class SubscriptionsView(GenericAPIView[Subscription]):
    """The caller's subscriptions."""

    filter_backends = (StrictFilters,)
    ordering: ClassVar = ("id",)
    queryset = Subscription.objects.none()

    @extend_schema(operation_id="subscriptions_list", responses=SubscriptionAnswer(many=True))
    def get(self, request: Request) -> Response:
        """The oldest first."""
        rows = policy.own_subscriptions(caller(request)).select_related("queue", "type", "host")
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response([subscription_json(row) for row in page or []])

    @extend_schema(
        operation_id="subscriptions_create", request=SubscriptionForm, responses={201: SubscriptionAnswer}
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Subscribe."""
        policy.check_names(caller(request), request.data, NAMED)
        row = define_subscription(request.data, owner=caller(request), at=timezone.now())
        return Response(subscription_json(row), status=201)


class SubscriptionView(APIView):
    """One of the caller's subscriptions."""

    @extend_schema(operation_id="subscriptions_retrieve", responses=SubscriptionAnswer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(subscription_json(_own(request, pk)))

    @extend_schema(
        operation_id="subscriptions_partial_update",
        request=SubscriptionForm(partial=True),
        responses=SubscriptionAnswer,
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Change what is sent."""
        row = _own(request, pk)
        policy.check_names(caller(request), request.data, NAMED)
        changed = define_subscription(request.data, owner=caller(request), at=timezone.now(), row=row)
        return Response(subscription_json(changed))

    @extend_schema(operation_id="subscriptions_destroy", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Remove it, with what was noted for it."""
        remove_subscription(_own(request, pk))
        return Response(status=204)


class NoticesView(GenericAPIView[Notice]):
    """What there was to tell for one of the caller's subscriptions."""

    filter_backends = (StrictFilters,)
    ordering: ClassVar = ("-id",)
    queryset = Notice.objects.none()

    @extend_schema(operation_id="subscriptions_notices", responses=NoticeAnswer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The newest first."""
        rows = Notice.objects.filter(subscription=_own(request, pk)).exclude(delivery=Delivery.WAITING, tries=0)
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response([notice_json(row) for row in page or []])


class ResendAnswer(serializers.Serializer[Any]):
    """How many notices are tried again."""

    resent = serializers.IntegerField()


class ResendView(APIView):
    """Another try for what was given up."""

    @extend_schema(operation_id="subscriptions_resend", request=None, responses=ResendAnswer)
    def post(self, request: Request, pk: str) -> Response:
        """Try again what was given up."""
        return Response({"resent": resend(_own(request, pk), at=timezone.now())})


def _own(request: Request, pk: str) -> Subscription:
    return policy.own_subscription(caller(request), int(pk))


def subscription_json(row: Subscription) -> dict[str, Any]:
    """A subscription as JSON, without what opens its address."""
    return {
        "id": row.pk,
        "name": row.name,
        "to": row.place,
        "events": [kind.value for kind in row.kinds],
        "enabled": row.enabled,
        "only_own": row.only_own,
        **{key: getattr(row, key).name if getattr(row, key) else None for key in NAMED},
        "late_after": row.late_after_seconds,
        "created_at": row.created_at,
    }


def notice_json(row: Notice) -> dict[str, Any]:
    """A notice as JSON."""
    return {
        "id": row.pk,
        "event": row.kind,
        "text": line_of(row),
        **{key: getattr(row, key) for key in ("at", "delivery", "tries", "next_at", "error", "ended_at")},
    }
