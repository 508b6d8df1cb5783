"""Who asks, and the caller's own tokens: what a client needs to log in and out."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django.urls import re_path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from accounts.models import Token
from accounts.origin import way_of
from accounts.tokens import make_token, revoke_token
from jobs.problems import Problem, Problems
from scheduler_site.api.fields import Flag, Moment, Strict, Text, read
from scheduler_site.api.views import StrictFilters, caller
from scheduler_site.ways import WAYS

logger = logging.getLogger(__name__)

LONGEST: Final = timedelta(days=366 * 20)


class WhoAnswer(serializers.Serializer[Any]):
    """Who asks."""

    user = serializers.CharField()
    superuser = serializers.BooleanField()
    authentication = serializers.ChoiceField(list(WAYS), help_text="How it is known.")


class WhoView(APIView):
    """Who asks."""

    @extend_schema(operation_id="whoami", responses=WhoAnswer)
    def get(self, request: Request) -> Response:
        """The caller's name, and how it is known."""
        user = caller(request)
        way = way_of(request._request)
        return Response({"user": user.get_username(), "superuser": policy.is_super(user), "authentication": way})


class TokenForm(Strict):
    """What a token is for, and how long it is valid."""

    name = Text(max_length=100, allow_blank=False, help_text="What it is for.")
    expires_at = Moment(required=False, allow_null=True, help_text="Null: valid until it is revoked.")
    only_reads = Flag(required=False, help_text="It can change nothing.")


class TokenAnswer(serializers.Serializer[Any]):
    """A token of the caller."""

    key = serializers.CharField(help_text="How it begins; names it.")
    name = serializers.CharField()
    only_reads = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute; null: never.")


class NewTokenAnswer(TokenAnswer):
    """A token that was made."""

    token = serializers.CharField(help_text="Told this once.")


class TokensView(GenericAPIView[Token]):
    """The caller's tokens."""

    filter_backends = (StrictFilters,)
    ordering: ClassVar = ("-created", "digest")
    queryset = Token.objects.none()

    @extend_schema(operation_id="tokens_list", responses=TokenAnswer(many=True))
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows: QuerySet[Token] = self.filter_queryset(policy.own_tokens(caller(request)))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([token_json(row) for row in page or []])

    @extend_schema(operation_id="tokens_create", request=TokenForm, responses={201: NewTokenAnswer})
    def post(self, request: Request) -> Response:
        """Make one. It can do what its owner can."""
        told = read(TokenForm, request.data)
        if not told["name"].isprintable():
            raise Problems([Problem("bad_name", "A name is one line of printable characters.", "name")])
        at = timezone.now()
        ends = told.get("expires_at")
        if ends is not None and not at < ends <= at + LONGEST:
            hint = f"Possible: from now to {at + LONGEST:%Y-%m-%d}; null for ever."
            raise Problems([Problem("out_of_range", "A token cannot end then.", "expires_at", hint)])
        period = None if ends is None else ends - at
        row, token = make_token(
            caller(request), name=told["name"], period=period, is_read_only=told.get("only_reads", False)
        )
        logger.info("token %s made by %s", row.token_key, caller(request))
        return Response({**token_json(row), "token": token}, status=201)


class TokenView(APIView):
    """One of the caller's tokens."""

    @extend_schema(operation_id="tokens_destroy", responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        """Revoke it, at once."""
        row = policy.own_tokens(caller(request)).filter(token_key=key).first()
        if row is None:
            raise policy.Missing(Problem("not_found", f'There is no token "{key}".'))
        revoke_token(row)
        logger.info("token %s revoked by %s", key, caller(request))
        return Response(status=204)


def token_json(row: Token) -> dict[str, Any]:
    """A token as JSON, but not what opens the site."""
    return {
        "key": row.token_key,
        "name": row.name,
        "only_reads": row.is_read_only,
        "created_at": row.created,
        "expires_at": row.expiry,
        "last_used_at": row.last_used_at,
    }


urlpatterns: Final = [
    re_path("^whoami/?$", WhoView.as_view(), name="api-whoami"),
    re_path("^tokens/?$", TokensView.as_view(), name="api-tokens"),
    re_path("^tokens/(?P<key>[A-Za-z0-9_]{1,64})/?$", TokenView.as_view(), name="api-token"),
]
