"""What Blender remembers while it is open. Belongs to the main thread."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .frames import Row
from .submission import new_key
from .work import Work


@dataclass
class Session:
    """The work that is under way, and what sites said last."""

    work: Work = field(default_factory=Work)
    told: str = ""
    queues: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    _open: tuple[Hashable, str] | None = None

    def key_for(self, what: Hashable) -> str:
        """The key for a submission: that of the last time if it was the same and nobody knows whether it was taken."""
        if self._open is None or self._open[0] != what:
            self._open = (what, new_key())
        return self._open[1]

    def settle(self) -> None:
        """The last submission was taken: the next one is another, even if it is the same."""
        self._open = None

    @property
    def is_waiting(self) -> bool:
        """Whether there are jobs that have not ended."""
        return any(not row.is_finished for row in self.rows)


session = Session()
