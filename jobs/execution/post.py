"""What one host's session works with while it is connected."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hosts.models import Host
from jobs.execution.collect import Collector
from jobs.execution.connect import Line
from jobs.execution.inbox import Inbox
from jobs.execution.ownership import Grip
from jobs.execution.prepare import Prepared, Workbench
from jobs.execution.runs import Run
from jobs.models import Output
from jobs.outcomes import Ending


@dataclass(frozen=True, slots=True)
class Staged:
    """Input files are on the host, or `problem` says why not."""

    prepared: Prepared
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Drained:
    """Some live output has been brought; `is_all` if there was no more at that moment."""

    run: Run
    is_all: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """Everything that an ended run left has been brought; `ending` tells if that failed."""

    run: Run
    ending: Ending
    outputs: list[Output]


News = Staged | Drained | Fetched


# Among what a session has been told of: look at all the rows.
LOOK: Final = 0


@dataclass(slots=True)
class Post:
    """One host, its open connection, its runs by marker, and the journal's offset.

    `told` are the attempts that others have told of, or LOOK. `on_finished` is given the open attempts on the host
    that will soon be over.
    """

    host: Host
    grip: Grip
    line: Line
    workbench: Workbench
    collector: Collector
    inbox: Inbox[News]
    on_finished: Callable[[Sequence[int]], None]
    offset: int
    told: deque[int]
    runs: dict[str, Run] = field(default_factory=dict)
