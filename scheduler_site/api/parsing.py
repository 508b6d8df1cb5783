"""Reads JSON bodies strictly: what cannot be meant is refused instead of guessed."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from scheduler_site.api.errors import TooLarge

BODY_LIMIT_BYTES: Final = 1024 * 1024
BULK_LIMIT_BYTES: Final = 50 * 1024 * 1024
DEPTH_LIMIT: Final = 64
SURROGATE: Final = re.compile(r"\\u[dD][89abAB]")


class JsonParser(BaseParser):
    """JSON without duplicate keys, NaN, infinities, lone surrogates, deep nesting or megabytes."""

    media_type = "application/json"
    limit_bytes = BODY_LIMIT_BYTES

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(self.limit_bytes + 1)
        if len(body) > self.limit_bytes:
            raise TooLarge(f"The body is larger than {self.limit_bytes} bytes.")
        return loads(body)


class BulkJsonParser(JsonParser):
    """The same, for many jobs at once."""

    limit_bytes = BULK_LIMIT_BYTES


def loads(body: bytes) -> Any:
    """The value of a JSON text. Raises ParseError saying what is wrong with it."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as problem:
        raise ParseError(f"The body is not UTF-8 (byte {problem.start}).") from problem
    except RecursionError as problem:
        raise ParseError("The body is nested too deeply.") from problem
    except ValueError as problem:
        raise ParseError(f"The body is not JSON: {problem}.") from problem
    _check_depth(value)
    if SURROGATE.search(text):
        _check_text(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        counts = Counter(key for key, _value in pairs)
        twice = counts.most_common(1)[0][0]
        raise ParseError(f"The key {twice[:100]!r} stands twice in one object.")
    return made


def _no_constant(word: str) -> NoReturn:
    raise ParseError(f"{word} is not a JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ParseError(f"The number {digits[:40]} is too large.")
    return number


def _check_depth(value: Any) -> None:
    """Without recursion, as the value may be deeper than the stack."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ParseError(f"The body is nested more than {DEPTH_LIMIT} levels deep.")


def _inside(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [x for x in inner if isinstance(x, dict | list)]


def _check_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as problem:
        raise ParseError("A text holds half of a surrogate pair, which is no character.") from problem
