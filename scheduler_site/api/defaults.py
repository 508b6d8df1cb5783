"""What the framework takes for every view unless told otherwise. Loaded while it loads itself."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.rates import Rate

REQUESTS: Final = Rate(per_minute=settings.BATCHYARD_REQUESTS_PER_MINUTE)


class KnownPeople(BasePermission):
    """Only people with an account get as far as a view; what they may do there, the view asks of the policy."""

    message = "Say who you are."

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated


class EvenShare(BaseThrottle):
    """So many requests a minute for each token, and for each account without one. Counted per web process."""

    def allow_request(self, request: Request, view: Any) -> bool:
        digest = getattr(request.auth, "digest", None)
        key = f"token {digest}" if digest else f"user {request.user.pk}"
        self._wait_seconds = REQUESTS.take(key, at=time.monotonic())
        return not self._wait_seconds

    def wait(self) -> float:
        return math.ceil(self._wait_seconds)


class FirstRenderer(BaseContentNegotiation):
    """There is one representation; whatever a client says it accepts, it gets that."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        wanted = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type
