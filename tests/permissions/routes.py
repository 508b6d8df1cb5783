"""Every address of the site, asked of the site itself, as the table writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver

GROUP: Final = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>")


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        here = before + str(one.pattern).removeprefix("^")
        if isinstance(one, URLResolver):
            yield from _patterns(one, here)
        elif isinstance(one, URLPattern):
            yield here


def _plain(pattern: str) -> str:
    text = GROUP.sub(lambda match: "{" + (match[1] or match[2]) + "}", pattern)
    return text.removesuffix("$").removesuffix("/?").replace("\\Z", "")


ROUTES: Final = sorted({_plain(pattern) for pattern in _patterns(get_resolver())})


def beneath(prefix: str) -> list[str]:
    """The addresses that begin with `prefix`, without it."""
    return [route.removeprefix(prefix) for route in ROUTES if route.startswith(prefix)]


def others(*prefixes: str) -> list[str]:
    """The addresses that begin with none of these."""
    return [route for route in ROUTES if not route.startswith(prefixes)]
