"""Reads many jobs from a file: CSV with a header, or one JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from yard.failures import Usage, did_you_mean

FIELDS: Final = ("queue", "type", "host", "notes", "priority", "not_before", "held")
KEYS: Final = (*FIELDS, "params")
PREFIX: Final = "params."
WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CELL_LIMIT: Final = 2**24


def read_jobs(text: str, *, source: str, defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The jobs that `text` asks for, completed by `defaults`. Raises Usage naming source and line."""
    first = text.lstrip()[:1]
    rows = _json_lines(text, source) if first in {"{", "["} else _csv(text, source)
    jobs = [{**defaults, **job, "params": {**defaults.get("params", {}), **job.get("params", {})}} for job in rows]
    if not jobs:
        raise Usage(f"{source} holds no job.")
    return jobs


def _json_lines(text: str, source: str) -> Iterator[dict[str, Any]]:
    if text.lstrip().startswith("["):
        yield from (_checked(one, f"{source}[{number}]") for number, one in enumerate(_json(text, source)))
        return
    # Not splitlines(): a line separator within a text does not end a line of JSON.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _checked(_json(line, f"{source}:{number}"), f"{source}:{number}")


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Usage(f"{where} is not JSON: {error}.") from error


def _checked(job: object, where: str) -> dict[str, Any]:
    if not isinstance(job, dict):
        raise Usage(f"{where} is not an object.")
    for key in job:
        if key not in KEYS:
            raise Usage(f'{where}: a job has no "{key[:60]}".', hint=did_you_mean(key, KEYS))
    if not isinstance(job.get("params", {}), dict):
        raise Usage(f'{where}: "params" is not an object.')
    return job


def _csv(text: str, source: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        names = reader.fieldnames or []
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Usage(f'{source} has two columns "{twice}".')
        for row in reader:
            yield _row(row, f"{source}:{reader.line_num}")
    except csv.Error as error:
        raise Usage(f"{source}:{reader.line_num} is not CSV: {error}.") from error


def _row(row: Mapping[str | None, Any], where: str) -> dict[str, Any]:
    """A job of a row: known columns are its own, all others parameters. An empty cell says nothing."""
    if None in row:
        raise Usage(f"{where} has more cells than the header has names.")
    job: dict[str, Any] = {"params": {}}
    for name, value in row.items():
        if value is None:
            raise Usage(f"{where} has fewer cells than the header has names.")
        if name and value:
            if name in FIELDS:
                job[name] = _field(name, value, where)
            else:
                job["params"][name.removeprefix(PREFIX)] = value
    return job


def _field(name: str, value: str, where: str) -> Any:
    if name == "priority":
        try:
            return int(value)
        except ValueError:
            raise Usage(f"{where}: {value[:40]!r} is no priority.", hint="Write a whole number.") from None
    if name == "held":
        if value.lower() not in WORDS:
            raise Usage(f"{where}: {value[:40]!r} is neither true nor false.")
        return WORDS[value.lower()]
    return value
