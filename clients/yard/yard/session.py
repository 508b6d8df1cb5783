"""What every command has at hand: settings, the site and the printer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from yard.printing import Printer
from yard.settings import Settings
from yard.site import Site


@dataclass
class Session:
    """One command. Nothing is read and nobody is asked before it is needed."""

    options: Mapping[str, str | None] = field(default_factory=dict)
    out: Printer = field(default_factory=Printer)
    is_debug: bool = False

    @cached_property
    def settings(self) -> Settings:
        return Settings(os.environ, self.options)

    @cached_property
    def site(self) -> Site:
        return Site(self.settings, is_debug=self.is_debug)

    def close(self) -> None:
        if "site" in self.__dict__:
            self.site.close()


def local_now() -> datetime:
    """Now, in the zone of whoever reads."""
    return datetime.now().astimezone()
