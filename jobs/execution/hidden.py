"""The secrets of a run, as the engine that hands them over has them in memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property

from hosts.secrets.ring import SecretsUnusable
from jobs.queueing.secrets import read_secrets
from jobs.redaction import Blackout, Redaction

logger = logging.getLogger(__name__)


class Hidden:
    """Values by parameter, or why they cannot be read. Neither is shown where this is."""

    def __init__(self, found: Mapping[str, str] | SecretsUnusable) -> None:
        self._found = found

    @property
    def values(self) -> Mapping[str, str]:
        """Raises SecretsUnusable."""
        if isinstance(self._found, SecretsUnusable):
            told = "Its secrets cannot be read with the keys of this site. The engine's log says more."
            raise SecretsUnusable(told) from self._found
        return self._found

    @cached_property
    def redaction(self) -> Redaction | Blackout:
        """What keeps them out of output and messages."""
        return Blackout() if isinstance(self._found, SecretsUnusable) else Redaction(self._found.values())


def hidden_of(jobs: list[int]) -> dict[int, Hidden]:
    """The secrets of these jobs, as far as they have any."""
    found = read_secrets(jobs) if jobs else {}
    for job, values in found.items():
        if isinstance(values, SecretsUnusable):
            logger.error("job %s: %s", job, values)
    return {job: Hidden(values) for job, values in found.items()}
