"""Only jobs/queueing/states.py changes a job's state: every transition is in its table."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.sources import name_of, product_files, tree

STATES = "jobs/queueing/states.py"
WRITERS = ("update", "bulk_update", "update_or_create")


def assigned_states(node: ast.AST) -> Iterator[ast.AST]:
    """`job.state = …` in any form."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr == "state":
            yield node


def updated_states(node: ast.AST) -> Iterator[ast.AST]:
    """`….update(state=…)` and the like."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITERS:
        if any(keyword.arg == "state" for keyword in node.keywords):
            yield node
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            listed = argument.elts if isinstance(argument, ast.List | ast.Tuple) else []
            if any(isinstance(item, ast.Constant) and item.value == "state" for item in listed):
                yield node


def test_only_the_table_of_transitions_writes_a_state() -> None:
    found = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in product_files()
        if name_of(path).startswith("jobs/") and name_of(path) != STATES
        for node in ast.walk(tree(path))
        for _write in (*assigned_states(node), *updated_states(node))
    ]

    assert found == []
