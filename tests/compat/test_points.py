"""What the pages of docs/compat claim and what tests show is the same."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.architecture.sources import ROOT, files_of_tests, name_of, tree

CLAIM = re.compile(r"^\| ([A-Z]{2,3}-[0-9]{2,3}) \|", re.MULTILINE)


def claims() -> Counter[str]:
    """How often each point stands in a table of a page."""
    pages = sorted((ROOT / "docs" / "compat").glob("*.md"))
    return Counter(point for page in pages for point in CLAIM.findall(page.read_text(encoding="utf-8")))


def marked() -> Iterator[tuple[str, str]]:
    """The name of each function that is marked, and a point of its mark."""
    for path in files_of_tests():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from ((f"{name_of(path)}::{node.name}", point) for point in points_of(node))


def points_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.meets":
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def test_every_point_is_claimed_once() -> None:
    assert claims()
    assert [point for point, count in claims().items() if count > 1] == []


def test_every_claimed_point_is_shown_by_a_test() -> None:
    shown = {point for _name, point in marked()}

    assert sorted(set(claims()) - shown) == []


def test_every_point_that_a_test_shows_is_claimed() -> None:
    unclaimed = [f"{name}: {point}" for name, point in marked() if point not in claims()]

    assert unclaimed == []


def test_only_tests_show_points() -> None:
    others = [name for name, _point in marked() if not name.partition("::")[2].startswith("test_")]

    assert others == []
