"""Options and arguments that several commands have."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from yard import names
from yard.failures import Failure, Usage, did_you_mean
from yard.times import past

ID_LIMIT: Final = 2**63

JobId = Annotated[int, typer.Argument(min=1, max=ID_LIMIT - 1, metavar="JOB", autocompletion=names.jobs)]
JobIds = Annotated[list[int], typer.Argument(min=1, max=ID_LIMIT - 1, metavar="JOB", autocompletion=names.open_jobs)]
Host = Annotated[str | None, typer.Option("--host", "-h", help="Name of a host.", autocompletion=names.hosts)]
Pool = Annotated[str | None, typer.Option("--pool", help="Name of a pool.", autocompletion=names.pools)]
Schedule = Annotated[
    str | None, typer.Option("--schedule", "-s", help="Name of a schedule.", autocompletion=names.schedules)
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help='From then on: "2 days", "yesterday 6:30", 31.01.2026.')
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")]
OnlyQueue = Annotated[str | None, typer.Option("--queue", "-q", autocompletion=names.queues, help="Only of a queue.")]
OnlyType = Annotated[str | None, typer.Option("--type", "-t", autocompletion=names.types, help="Only of a type.")]
Title = Annotated[str | None, typer.Option("--title", "-n", help="What people see.")]
Source = Annotated[
    str | None, typer.Option("--from", help='Take the definition from a YAML or JSON file; "-" is standard input.')
]


def pair(text: str, *, what: str) -> tuple[str, str]:
    """Name and value of NAME=VALUE. Raises Usage."""
    name, is_pair, value = text.partition("=")
    if not is_pair or not name:
        raise Usage(f"{text[:60]!r} is not {what}.", hint="Write NAME=VALUE.")
    return name, value


def check_text(*texts: str | None) -> None:
    """Raises Usage for words that were not given as UTF-8."""
    for text in texts:
        try:
            (text or "").encode("utf-8")
        except UnicodeEncodeError as error:
            raise Usage(f"{text!a:.60} is not UTF-8.") from error


def one_of(word: str, possible: tuple[str, ...], *, what: str) -> str:
    """`word`, or Usage saying what is possible."""
    if word not in possible:
        raise Usage(f'There is no {what} "{word[:60]}".', hint=did_you_mean(word, possible))
    return word


def lookback(since: str | None, until: str | None, *, at: datetime, keys: tuple[str, str]) -> dict[str, str]:
    """Begin and end of a period in the past under the names that the API has for them. Raises Usage."""
    ends = {key: past(text, at=at) for key, text in zip(keys, (since, until), strict=True) if text is not None}
    if len(ends) == 2 and ends[keys[0]] > ends[keys[1]]:
        raise Usage("This period ends before it begins.")
    return {key: moment.isoformat() for key, moment in ends.items()}


def definition(source: str | None) -> dict[str, Any]:
    """The mapping in a YAML or JSON file; empty without one. Raises Failure."""
    if source is None:
        return {}
    text = read_text(source)
    try:
        told = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Failure(f"{source} is neither YAML nor JSON: {' '.join(str(error).split())[:200]}.") from error
    if not isinstance(told, dict):
        raise Failure(f"{source} is not a mapping of keys to values.")
    return told


def read_text(source: str) -> str:
    """The text of a file, or of standard input for "-". Raises Failure."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except AttributeError as error:
        raise Failure("Standard input is closed.") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{source} is not UTF-8 (byte {error.start}).") from error
    except (OSError, ValueError) as error:
        raise Failure(f"Cannot read {source}: {getattr(error, 'strerror', None) or error}.") from error
