"""The API's description of itself, and the page that shows it."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http.response import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

PROBLEM: Final = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "field": {"type": "string", "nullable": True},
        "hint": {"type": "string", "nullable": True},
    },
    "required": ["code", "message", "field", "hint"],
}
ERROR: Final = {
    "description": "What is wrong. Of several things, the first; `errors` then lists all.",
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "properties": {"errors": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}},
}
STATUSES: Final = {
    "400": "What was sent is not possible.",
    "401": "It is not known who asks.",
    "403": "The caller may not do this.",
    "404": "There is no such thing, or the caller may not see it.",
    "409": "It is refused in the present state.",
    "410": "It was there once.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests, or wrong passwords; try again after Retry-After seconds.",
    "503": "Nothing was done; try again after Retry-After seconds.",
}
METHODS: Final = frozenset({"get", "post", "patch", "put", "delete"})


def with_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The description with the error answers of every operation."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"], schemas["Error"] = PROBLEM, ERROR
    # Both spellings work; the one without a slash at the end is the one that is told.
    result["paths"] = {path.rstrip("/"): operations for path, operations in result["paths"].items()}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                _add_errors(operation["responses"])
    return result


def _add_errors(responses: dict[str, Any]) -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for status, description in STATUSES.items():
        responses.setdefault(status, {"description": description, "content": content})


class SiteAuthenticationSchema(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How people say who they are."""

    target_class = "accounts.authentication.SiteAuthentication"
    name = ["token", "basic", "session"]  # noqa: RUF012  (as the framework declares it)

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "apiKey", "in": "header", "name": "Authorization", "description": 'Send "Token <your token>".'},
            {"type": "http", "scheme": "basic"},
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
        ]


class SchemaView(SpectacularJSONAPIView):
    """The description, as OpenAPI 3 in JSON."""


class DocsView(SpectacularSwaggerSplitView):
    """The description as a page; whoever has not logged in is asked to."""

    url_name = "api-schema"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "HTTP_AUTHORIZATION" not in request.META and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)
