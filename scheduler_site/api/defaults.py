"""What the framework takes for every view unless told otherwise. Loaded while it loads itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class KnownPeople(BasePermission):
    """Only people with an account get as far as a view; what they may do there, the view asks of the policy."""

    message = "Say who you are."

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated


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
