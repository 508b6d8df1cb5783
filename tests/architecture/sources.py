"""The project's Python files, read once, for the tests of its shape."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPLICATIONS = ("accounts", "clients", "hosts", "jobs", "scheduler_site")


@cache
def product_files() -> tuple[Path, ...]:
    """Every Python file of the product; what Django writes itself is not among them."""
    found = [ROOT / "manage.py"]
    for name in APPLICATIONS:
        found += [path for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts]
    return tuple(sorted(found))


@cache
def files_of_tests() -> tuple[Path, ...]:
    """Every Python file of the tests."""
    return tuple(sorted((ROOT / "tests").rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Its path within the project."""
    return str(path.relative_to(ROOT))
