"""The shape that keeps the project readable: short files and functions, plain names, errors that are seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, files_of_tests, name_of, product_files, tree

LONGEST_FILE_LINES = 400
LONGEST_FUNCTION_LINES = 50
BANNED_WORD = re.compile(r"(?:^|_)(?:manager|handler|helper|util|common)s?(?:_|$)", re.IGNORECASE)
TASK_WORD = re.compile(r"(?:^|_)tasks?(?:_|$)", re.IGNORECASE)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Names that Django, DRF, Celery and the standard library give.
GIVEN_NAMES = frozenset({"jobs/tasks.py"})
# Each is the top of a loop, which logs and goes on: one bad row or host must not stop the others.
LOOP_TOPS = frozenset(
    {
        "jobs/api/broadcast.py",
        "jobs/execution/conductor.py",
        "jobs/execution/session.py",
    }
)
# The one place where a scenario waits, always for a condition and with a deadline; and what the lab's jobs execute.
MAY_SLEEP = frozenset({"tests/scenarios/site.py", "tests/lab/oracle_job.py"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def defined_names(path: Path) -> Iterator[str]:
    """The names of a file's modules, classes and functions."""
    yield from path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def is_broad(found: ast.ExceptHandler) -> bool:
    """Whether it catches everything and does not pass it on."""
    if isinstance(found.body[-1], ast.Raise) and found.body[-1].exc is None:
        return False
    caught = found.type.elts if isinstance(found.type, ast.Tuple) else [found.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in caught)


BROAD = ("Exception", "BaseException")


def test_files_stay_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in (*product_files(), *files_of_tests())}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE_LINES} == {}


def test_functions_stay_short() -> None:
    long = {
        f"{name_of(path)}:{found.lineno} {found.name}": lines
        for path in product_files()
        for found in functions(path)
        if (lines := (found.end_lineno or found.lineno) - found.lineno + 1) > LONGEST_FUNCTION_LINES
    }

    assert long == {}


def test_only_tops_of_loops_catch_everything() -> None:
    found = {
        name_of(path)
        for path in product_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    }

    assert found <= LOOP_TOPS


def test_nothing_is_named_for_having_no_better_name() -> None:
    found = {
        f"{name_of(path)}: {name}"
        for path in product_files()
        for name in defined_names(path)
        if BANNED_WORD.search(CAMEL.sub("_", name))
    }

    assert found == set()


def test_only_celery_has_tasks() -> None:
    found = {
        f"{name_of(path)}: {name}"
        for path in product_files()
        if name_of(path) not in GIVEN_NAMES
        for name in defined_names(path)
        if TASK_WORD.search(CAMEL.sub("_", name)) and not path.is_relative_to(ROOT / "clients" / "trun")
    }

    assert found == set()


def test_tests_never_sleep() -> None:
    found = {
        f"{name_of(path)}:{node.lineno}"
        for path in files_of_tests()
        if name_of(path) not in MAY_SLEEP
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    }

    assert found == set()


def test_every_test_can_fail() -> None:
    found = {
        f"{name_of(path)}:{test.lineno} {test.name}"
        for path in files_of_tests()
        for test in functions(path)
        if test.name.startswith("test_") and not _may_fail(test)
    }

    assert found == set()


def _may_fail(test: Function) -> bool:
    # A test fails by an assertion of its own, by pytest.raises, or by calling something that checks or waits.
    says = (ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call))
    checks = re.compile(
        r"pytest\.|wait_until|until|check|assert|run_state_machine|expect|verify|must|refuse", re.IGNORECASE
    )
    return any(isinstance(node, ast.Assert) for node in ast.walk(test)) or any(checks.search(name) for name in says)


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(word: str) -> None:
    found = [
        f"{name_of(path)}:{number}"
        for path in product_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(rf"\b{word}\b", line)
    ]

    assert found == []


def test_the_project_stands_alone() -> None:
    outside = re.compile(r"/work/(?:shared|main)\b|" + "seeds" + r"/\d")
    files = [path for path in ROOT.rglob("*") if path.suffix in (".py", ".sh", ".md", ".toml", ".html", ".yaml")]
    skipped = {".venv", ".git", "var", "build"}

    found = [
        name_of(path)
        for path in files
        if not skipped & set(path.relative_to(ROOT).parts) and path != Path(__file__).resolve()
        if path.is_file() and outside.search(path.read_text(errors="replace"))
    ]

    assert found == []
