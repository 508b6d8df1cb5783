"""The files of a job on our side: what it was given to read, and what it was told to write."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.parameters import Parameter, ParameterType
from jobs.problems import Problems
from jobs.queueing.file_roots import FILE_TYPES, resolve, shown


@dataclass(frozen=True, slots=True)
class JobFile:
    """One file. `path` is as the site's files are named; `size_bytes` None: there is no such file (yet)."""

    parameter: Parameter
    path: str
    size_bytes: int | None

    @property
    def is_output(self) -> bool:
        """Whether the job writes it."""
        return self.parameter.type == ParameterType.OUTPUT_FILE


def files_of(params: Mapping[str, str], declared: Sequence[Parameter]) -> list[JobFile]:
    """The files that a job with `params` names, in the order of declaration; none that the site may not read."""
    found = []
    for parameter in declared:
        value = params.get(parameter.name, "")
        if parameter.type in FILE_TYPES and value and (path := allowed(value)):
            found.append(JobFile(parameter, shown(path), _size_bytes(path)))
    return found


def path_of(params: Mapping[str, str], declared: Sequence[Parameter], name: str) -> Path | None:
    """Where the file is that the parameter `name` names; None if it names none that the site may read."""
    is_file = any(parameter.name == name and parameter.type in FILE_TYPES for parameter in declared)
    value = str(params.get(name) or "") if is_file else ""
    return allowed(value) if value else None


def allowed(name: str) -> Path | None:
    """Where a job's file is; None if the file roots have changed since it was taken in, or a link leads out of them."""
    try:
        return resolve(name)
    except Problems:
        return None


def _size_bytes(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
