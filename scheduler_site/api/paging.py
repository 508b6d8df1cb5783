"""Lists come in pages by cursor: {"results", "next", "previous"}."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import QueryDict
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.keyset import Cursor, Order, page

PAGE_LIMIT: Final = 500
PROBLEMS_LIMIT: Final = 20
PAGE_WORDS: Final = ("cursor", "page_size")


class Pages(CursorPagination):
    """Pages of at most 500 rows. Going on costs the same at the end as at the beginning.

    A view may have `parts`, which splits a list into some that together are the same, each with an index of its own.
    """

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = PAGE_LIMIT
    cursor_query_param = "cursor"

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("page_size")
        return self.page_size if text is None else whole(text, field="page_size", least=1, most=PAGE_LIMIT)

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self._address = request.build_absolute_uri()
        order = Order.of(getattr(view, "ordering", ("id",)))
        text = request.query_params.get(self.cursor_query_param)
        parts = view.parts(queryset) if view is not None and hasattr(view, "parts") else [queryset]
        try:
            cursor = Cursor.read(text, order=order, model=queryset.model) if text else None
        except (ValueError, OverflowError, ValidationError) as error:  # made up by somebody
            raise _bad_cursor() from error
        rows, self._before, self._behind = page(parts, order=order, cursor=cursor, size=self.get_page_size(request))
        return rows

    def get_next_link(self) -> str | None:
        return self._link(self._behind)

    def get_previous_link(self) -> str | None:
        return self._link(self._before)

    def _link(self, cursor: Cursor | None) -> str | None:
        return replace_query_param(self._address, self.cursor_query_param, cursor.text) if cursor else None


def _bad_cursor() -> Problems:
    message = "This cursor is not one that was given out here."
    return Problems([Problem("bad_cursor", message, "cursor", "Begin without one.")])


def whole(text: str, *, field: str, least: int, most: int) -> int:
    """The number that a query parameter holds. Raises Problems unless it is plain digits in range."""
    digits = text.removeprefix("-")
    is_number = text.isascii() and digits.isdigit() and len(digits) <= 20
    if not is_number or not least <= int(text) <= most:
        message = f"{text[:40]!r} is not possible for {field}."
        raise Problems([Problem("out_of_range", message, field, f"Possible: {least} to {most}.")])
    return int(text)


def check_words(given: QueryDict, known: Iterable[str]) -> None:
    """Refuse query parameters that nobody reads, and those given twice. Raises Problems."""
    words = set(known)
    problems: list[Problem] = []
    for word, values in given.lists():
        if len(problems) >= PROBLEMS_LIMIT:
            break
        if word not in words:
            message = f'There is no parameter "{word[:100]}" here.'
            problems.append(Problem("unknown_parameter", message, word[:100], did_you_mean(word[:100], words)))
        elif len(values) > 1:
            problems.append(Problem("repeated_parameter", f'The parameter "{word}" is given more than once.', word))
        elif "\0" in values[0]:
            problems.append(Problem("bad_text", f'The parameter "{word}" holds a NUL character.', word))
    if problems:
        raise Problems(problems)


def is_forced(given: QueryDict) -> bool:
    """Whether what needs a thing is to be removed with it: the one parameter that a removal takes. Raises Problems."""
    check_words(given, ["forced"])
    text = given.get("forced", "false")
    if text not in {"true", "false"}:
        message = f"{text[:40]!r} is not possible for forced."
        raise Problems([Problem("wrong_type", message, "forced", "true or false.")])
    return text == "true"
