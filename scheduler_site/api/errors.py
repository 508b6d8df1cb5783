"""One shape for whatever goes wrong: {"code", "message", "field", "hint"}.

Where several things are wrong, these keys tell the first, and `errors` lists all in the same shape.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.policy import Missing
from jobs.problems import Problem, Problems, Refused
from scheduler_site.outages import is_outage
from scheduler_site.shortage import is_shortage

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 2
ERRORS_LIMIT: Final = 100
WHOLE: Final = frozenset({"__all__", api_settings.NON_FIELD_ERRORS_KEY})
NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
INDEX: Final = re.compile(r"\.([0-9]+)(?=\.|$)")
# Codes of problems that are about what is there already, not about what was sent.
CONFLICTS: Final = frozenset({"taken", "exists"})
# The framework's words for the same things.
CODES: Final = {"unique": "taken", "parse_error": "not_json", "invalid": "invalid", "throttled": "too_many_requests"}


class HintedCode(str):
    """A problem's code that carries its hint through the framework's own errors, which know none."""

    __slots__ = ("hint",)
    hint: str

    def __new__(cls, code: str, hint: str) -> HintedCode:
        made = super().__new__(cls, code)
        made.hint = hint
        return made


class Unavailable(exceptions.APIException):
    """Nothing was done; the same request may be sent again in a moment."""

    status_code = 503
    default_code = "unavailable"
    wait = RETRY_SECONDS


class TooLarge(exceptions.APIException):
    """More bytes than are taken."""

    status_code = 413
    default_code = "too_large"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told about an error. At least one problem."""

    status: int
    problems: Sequence[Problem]
    headers: Mapping[str, str] = field(default_factory=dict)


def invalid(problem: Problem) -> exceptions.ValidationError:
    """The framework's error for `problem`, to be raised where it collects errors by field."""
    return exceptions.ValidationError(problem.message, code=HintedCode(problem.code, problem.hint))


def respond(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer of the API to any exception of a view."""
    answer = answer_to(error)
    return Response(shape(answer.problems), status=answer.status, headers=dict(answer.headers))


def shape(problems: Sequence[Problem]) -> dict[str, object]:
    """The JSON of `problems`."""
    told = [
        {"code": p.code, "message": p.message, "field": _path(p.field), "hint": p.hint or None}
        for p in problems[:ERRORS_LIMIT]
    ]
    return {**told[0], "errors": told} if len(told) > 1 else {**told[0]}


def _path(field: str | None) -> str | None:
    """One way to write places in lists: `periods[0].begin`."""
    return INDEX.sub(r"[\1]", field) if field else None


def answer_to(error: Exception) -> Answer:
    """Status, problems and headers for an exception; one that nobody foresaw is logged under an id that is told."""
    match error:
        case Problems():
            return Answer(_status(error.problems), error.problems)
        case Refused():
            return Answer(409, [error.problem])
        case Missing():
            return Answer(404, [error.problem])
        case Http404():
            return Answer(404, [Problem("not_found", "There is nothing here.")])
        case PermissionDenied():
            return Answer(403, [Problem("permission_denied", str(error) or "You may not do this.")])
        case ModelError():
            problems = list(model_problems(error))
            return Answer(_status(problems), problems)
        case exceptions.APIException():
            return _framework_answer(error)
        case _:
            return _last_answer(error)


def _last_answer(error: Exception) -> Answer:
    if is_outage(error):
        logger.warning("the database did not answer: %s", error)
        return _busy("database_busy", "The database is busy or cannot be reached; nothing was changed.")
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        logger.error("no space left: %s", error)
        return _busy("no_space", "There is no space left on the server; nothing was changed.")
    if is_shortage(error):
        logger.warning("short of something: %r", error)
        return _busy("overloaded", "The site has too much to do at this moment.")
    if isinstance(error, SuspiciousOperation):
        return Answer(400, [Problem("bad_request", "The request is not well formed.")])
    return _unexpected(error)


def _busy(code: str, message: str) -> Answer:
    return Answer(503, [Problem(code, message, None, "Try again.")], {"Retry-After": str(RETRY_SECONDS)})


def _unexpected(error: Exception) -> Answer:
    number = secrets.token_hex(6)
    logger.error("error %s", number, exc_info=error)
    message = f"Something went wrong here. It is recorded as error {number}."
    return Answer(500, [Problem("internal_error", message, None, "Tell those who run this site the number.")])


def _framework_answer(error: exceptions.APIException) -> Answer:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = f"{wait:.0f}"
    problems = [_hinted(problem, error) for problem in flatten(error.detail)]
    if isinstance(error, exceptions.ValidationError):
        return Answer(_status(problems), problems, headers)
    return Answer(error.status_code, problems, headers)


def _hinted(problem: Problem, error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.UnsupportedMediaType):
        return Problem(problem.code, problem.message, None, 'Send JSON with "Content-Type: application/json".')
    if isinstance(error, exceptions.NotAuthenticated):
        return Problem(problem.code, problem.message, None, 'Send "Authorization: Token ...".')
    return problem


def _status(problems: Iterable[Problem]) -> int:
    return 409 if all(problem.code in CONFLICTS for problem in problems) else 400


def flatten(detail: Any, *, path: str = "") -> list[Problem]:
    """Problems of the framework's nested error details, their fields written like `params[0].name`."""
    if isinstance(detail, dict):
        return [p for key, inner in detail.items() for p in flatten(inner, path=_step(path, key))]
    if isinstance(detail, list):
        return [
            p
            for place, inner in enumerate(detail)
            for p in flatten(inner, path=_step(path, place) if isinstance(inner, dict | list) else path)
        ]
    code = getattr(detail, "code", "invalid")
    return [Problem(CODES.get(code, str(code)), str(detail), path or None, getattr(code, "hint", ""))]


def _step(path: str, key: object) -> str:
    if key in WHOLE:
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def model_problems(error: ModelError) -> Iterable[Problem]:
    """The problems of Django's own validation."""
    fields: Mapping[str, Any] = error.error_dict if hasattr(error, "error_dict") else {"__all__": error.error_list}
    for name, found in fields.items():
        for one in found:
            code = CODES.get(one.code or "invalid", one.code or "invalid")
            params = one.params if isinstance(one.params, Mapping) else {}
            yield Problem(code, " ".join(one.messages), _step("", name) or None, str(params.get("hint", "")))


@csrf_exempt  # it changes nothing, and its answer is to be JSON for every method
def not_found(request: HttpRequest, path: str = "") -> JsonResponse:
    """The answer for an address of the API that does not exist."""
    problem = Problem("not_found", f"There is nothing at {request.path[:200]}.", None, "See /api/docs/.")
    return JsonResponse(shape([problem]), status=404)
