"""What all addresses beneath /batchd/ share: who asks, how bodies are read, how errors and origins are answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import SiteAuthentication
from jobs.compat.batchd.texts import language_of, text_of
from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.api.errors import TooLarge, answer_to
from scheduler_site.api.fields import mistyped
from scheduler_site.api.parsing import BODY_LIMIT_BYTES, loads

DONE: Final = "done"
# Ways in which clients need not say who they are.
SILENT: Final = frozenset({"header", "disabled"})
METHODS: Final = "GET, POST, PUT, DELETE, OPTIONS"
# What those may try again who change something first.
REFUSALS: Final = frozenset({"not_empty", "in_use"})
KINDS: Final[Mapping[type, str]] = {str: "a text", bool: "true or false", int: "a whole number", dict: "an object"}

Value = TypeVar("Value")


class BatchdAuthentication(SiteAuthentication):
    """As everywhere on the site, but for sessions: what takes JSON of any content type is open to forged forms."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if "HTTP_AUTHORIZATION" not in request.META and not SILENT & set(settings.BATCHYARD_AUTH):
            return None
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        """Basic first, so that browsers ask for a password."""
        return 'Basic realm="batchd"' if "basic" in settings.BATCHYARD_AUTH else super().authenticate_header(request)


class BatchdView(APIView):
    """An address of the contract: 200 with JSON, errors as plain text."""

    authentication_classes = (BatchdAuthentication,)
    schema = None  # it is no part of the API's own description

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_preflight = request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META
        if is_preflight and "HTTP_ORIGIN" in request.META:
            return _with_origin(request, HttpResponse())
        return _with_origin(request, super().dispatch(request, *args, **kwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if is_foreign(request._request) and not is_allowed(request._request):
            raise PermissionDenied(f"Pages of {request.META['HTTP_ORIGIN'][:200]} may not ask this site.")
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        if isinstance(exc, NotAuthenticated | AuthenticationFailed):
            exc.auth_header = self.get_authenticate_header(self.request)  # type: ignore[union-attr]
        return respond(exc, self.request)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return Response(DONE)


def respond(error: Exception, request: Request) -> HttpResponse:
    """The answer to any exception of a view: text in the client's language."""
    answer = answer_to(error)
    status = {409: 400, 410: 404}.get(answer.status, answer.status)
    if answer.problems[0].code in REFUSALS:
        status = 403
    text = text_of(answer.problems, status=status, language=language_of(request._request))
    told = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=dict(answer.headers))
    patch_vary_headers(told, ["Accept-Language"])
    return told


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site asks, as its browser says."""
    origin = request.META.get("HTTP_ORIGIN")
    return origin is not None and origin != f"{request.scheme}://{request.get_host()}"


def is_allowed(request: HttpRequest) -> bool:
    return request.META.get("HTTP_ORIGIN") in settings.BATCHYARD_BATCHD_ORIGINS


def _with_origin(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """The answer, readable to pages of the origins that are allowed."""
    if settings.BATCHYARD_BATCHD_ORIGINS:
        patch_vary_headers(answer, ["Origin"])
    if "HTTP_ORIGIN" in request.META and is_allowed(request):
        answer["Access-Control-Allow-Origin"] = request.META["HTTP_ORIGIN"]
        answer["Access-Control-Allow-Methods"] = METHODS
        answer["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept-Language"
        answer["Access-Control-Allow-Credentials"] = "true"
    return answer


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type. Raises ParseError, Problems, TooLarge."""
    raw = request._request.read(BODY_LIMIT_BYTES + 1)
    if len(raw) > BODY_LIMIT_BYTES:
        raise TooLarge(f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
    if not raw.strip():
        raise ParseError("There is no body; a JSON object is expected.")
    told = loads(raw)
    if not isinstance(told, dict):
        raise Problems([mistyped(told, "an object")])
    return told


def value_of(told: Mapping[str, Any], key: str, kind: type[Value]) -> Value | None:
    """What `told` has under `key`, None for null and nothing. Raises Problems if it is of another kind."""
    value = told.get(key)
    if value is None or (isinstance(value, kind) and isinstance(value, bool) == (kind is bool)):
        return value
    raise Problems([mistyped(value, KINDS[kind]).under(key)])


def needed(told: Mapping[str, Any], key: str, kind: type[Value]) -> Value:
    """The same, for what has to be there."""
    value = value_of(told, key, kind)
    if value is None:
        raise Problems([Problem("required", f'"{key}" is missing.', key)])
    return value


def renamed(told: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """What `told` says under any of `keys`, by the names that they have here; all other keys are ignored."""
    return {ours: told[key] for key, ours in keys.items() if key in told}


def chosen(word: str, possible: Collection[str], *, code: str, field: str) -> str:
    """`word`, if it is one of `possible`. Raises Problems."""
    if word not in possible:
        raise Problems([Problem(code, f'"{word[:40]}" is not possible.', field, did_you_mean(word[:40], possible))])
    return word


def is_asked(request: Request, word: str) -> bool:
    """Whether the address says `word=true`. Raises Problems for anything but true and false."""
    return chosen(request.query_params.get(word, "false"), ("true", "false"), code="wrong_type", field=word) == "true"
