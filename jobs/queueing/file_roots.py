"""Files on our side may only be named beneath the site's file roots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from jobs.parameters import Parameter, ParameterType
from jobs.problems import Problem, Problems

FILE_TYPES = frozenset({ParameterType.INPUT_FILE, ParameterType.OUTPUT_FILE})


def roots() -> tuple[Path, ...]:
    """The directories beneath which files may be named; relative names are taken from the first."""
    return tuple(Path(root).resolve() for root in settings.BATCHYARD_FILE_ROOTS)


def resolve(name: str, *, field: str | None = None) -> Path:
    """The absolute path that `name` means, symbolic links followed.

    Raises Problems if it is not beneath a root, or a part of it is no directory.
    """
    allowed = roots()
    try:
        path = (allowed[0] / name).resolve()
    except (OSError, RuntimeError, ValueError) as problem:  # a loop of links, a name too long, a NUL
        raise Problems([Problem("bad_path", f"{name[:200]!r} is not a path: {problem}.", field)]) from problem
    if not any(path.is_relative_to(root) and path != root for root in allowed):
        listed = ", ".join(map(str, allowed))
        message = f"{name[:200]!r} is not beneath a directory that this site may read and write."
        raise Problems([Problem("outside_file_roots", message, field, f"Possible: paths beneath {listed}.")])
    return path


def shown(path: Path) -> str:
    """`path` as it is told: relative to the first root where it is beneath that."""
    first = roots()[0]
    return str(path.relative_to(first)) if path.is_relative_to(first) else str(path)


def check_file_parameters(declared: Sequence[Parameter], params: Mapping[str, str]) -> dict[str, str]:
    """`params` with every given file name made absolute. Raises Problems naming each that is outside."""
    checked, problems = dict(params), list[Problem]()
    for parameter in declared:
        value = params.get(parameter.name, "")
        if parameter.type not in FILE_TYPES or not value:
            continue
        try:
            checked[parameter.name] = str(resolve(value, field=f"params.{parameter.name}"))
        except Problems as found:
            problems += found.problems
    if problems:
        raise Problems(problems)
    return checked
