"""Follows a job through its server-sent events, over lost connections."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from yard.failures import Failure, Unreachable
from yard.site import Site

READ_SECONDS: Final = 45.0  # the site says something every 15
PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 5.0
GIVE_UP_SECONDS: Final = 120.0
EVENT_LIMIT_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind (`output`, `gap`, `state`, `end`), data and id ("" if it has none)."""

    kind: str
    data: dict[str, Any]
    identity: str = ""


def events(site: Site, job: int, **params: Any) -> Iterator[Event]:
    """What job `job` writes and becomes, up to and with the event `end`.

    A lost connection is made again, going on where it broke off. Raises Unreachable if that fails for two minutes.
    """
    last, lost_at, pause_seconds = "", time.monotonic(), PAUSE_SECONDS
    while True:
        try:
            for event in _stream(site, job, last, params):
                last = event.identity or last
                lost_at, pause_seconds = time.monotonic(), PAUSE_SECONDS
                yield event
                if event.kind == "end":
                    return
        except (httpx.TransportError, Unreachable) as error:
            if time.monotonic() - lost_at > GIVE_UP_SECONDS or is_final(error):
                raise _given_up(site, error) from error
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


def is_final(error: Exception) -> bool:
    """Whether trying again cannot help: something answers, and it is not the site."""
    return isinstance(error, Unreachable) and error.code in {"redirected", "not_batchyard", "bad_url"}


def _given_up(site: Site, error: Exception) -> Failure:
    return error if isinstance(error, Failure) else Unreachable(f"The connection to {site.url} broke off: {error}.")


def _stream(site: Site, job: int, last: str, params: dict[str, Any]) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    path = f"jobs/{job}/output/stream"
    with site.streaming(path, headers=headers, **{key: value for key, value in params.items() if value}) as response:
        # By bytes: the line separators that text knows besides the line feed are data here.
        waiting = b""
        for data in response.iter_bytes():
            *whole, waiting = (waiting + data).split(b"\n\n")
            yield from (event for block in whole if (event := _event(block)))
            if len(waiting) > EVENT_LIMIT_BYTES:
                raise Unreachable("The site sent an event without an end.", code="bad_answer")


def _event(block: bytes) -> Event | None:
    """The event of a block of lines; None for a comment."""
    fields: dict[str, str] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b": ")
        if name:
            fields[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    if "event" not in fields:
        return None
    try:
        data = json.loads(fields.get("data", "{}"))
    except ValueError as error:
        raise Unreachable("The site sent an event that is not JSON.", code="bad_answer") from error
    return Event(fields["event"], data, fields.get("id", ""))
