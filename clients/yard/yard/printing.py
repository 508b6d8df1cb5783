"""Shows answers: as one JSON document, or for people, however narrow their terminal is."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import Any, Final, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from yard.clean import one_line

NARROWEST: Final = 24
GAP: Final = 2
STYLES: Final = {
    "running": "cyan", "succeeded": "green", "failed": "red", "cancelled": "yellow", "skipped": "yellow",
    "blocked": "magenta", "ready": "blue",
}  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, what stands in it, and how early it goes when there is no room (0: never)."""

    title: str
    value: Callable[[Row], Any]
    sheds: int = 0


def prepare_streams() -> None:
    """Make output possible whatever the locale is, and wherever it has been closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, StringIO())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def width_of(stream: TextIO) -> int:
    """Columns of the terminal; where there is none, as many as are needed."""
    if os.environ.get("COLUMNS", "").isdigit() or stream.isatty():
        return max(NARROWEST, shutil.get_terminal_size().columns)
    return 10_000


class Printer:
    """Standard output and error of one command."""

    def __init__(self, *, is_json: bool = False, is_quiet: bool = False) -> None:
        self.is_json, self.is_quiet = is_json, is_quiet

    @property
    def console(self) -> Console:
        return Console(
            file=sys.stdout, width=width_of(sys.stdout), highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    @property
    def progress_console(self) -> Console | None:
        """Where progress is shown; None if nobody looks."""
        is_seen = sys.stderr.isatty() and not self.is_quiet and not self.is_json
        return Console(file=sys.stderr, width=width_of(sys.stderr), highlight=False) if is_seen else None

    def document(self, value: Any) -> None:
        """`value` as JSON."""
        is_plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        self.write(json.dumps(value, ensure_ascii=is_plain, indent=2) + "\n")

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def line(self, text: object) -> None:
        self.write(one_line(text) + "\n")

    def note(self, text: object) -> None:
        """Something beside the answer, for people."""
        if not self.is_quiet:
            sys.stderr.write(one_line(text) + "\n")
            sys.stderr.flush()

    def answer(self, value: Any, show: Callable[[], None]) -> None:
        """`value` as JSON if that is asked for, else by `show`."""
        if self.is_json:
            self.document(value)
        else:
            show()

    def table(self, columns: Sequence[Column], rows: Iterable[Row], *, empty: str) -> None:
        """`rows` under their titles; the sentence `empty` if there are none."""
        listed = list(rows)
        if not listed:
            self.note(empty)
            return
        self.console.print(table(columns, listed, width=width_of(sys.stdout)), soft_wrap=False)

    def record(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Names and values, one a line; what is empty is left out."""
        shown = [(name, cell(value)) for name, value in pairs if value not in (None, "", [], {})]
        longest = max((len(name) for name, _value in shown), default=0)
        width = longest + GAP if width_of(sys.stdout) > 2 * longest + 20 else 0
        for name, value in shown:
            self.write(f"{name:<{width}}{value}\n" if width else f"{name}: {value}\n")


def table(columns: Sequence[Column], rows: Sequence[Row], *, width: int) -> Table:
    """A table that fits: columns go, in the order of `sheds`, until the rest has room; then texts are cut."""
    cells = {column.title: [cell(column.value(row)) for row in rows] for column in columns}
    kept = [column for column in columns if any(cells[column.title]) or not column.sheds]
    wide = {column.title: max(cell_len(text) for text in [column.title, *cells[column.title]]) for column in kept}
    for column in sorted((column for column in kept if column.sheds), key=lambda one: -one.sheds):
        if sum(wide[one.title] + GAP for one in kept) - GAP > width:
            kept.remove(column)
    room = _room(wide, [column.title for column in kept], width=width)
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column in kept:
        made.add_column(column.title, no_wrap=True, overflow="ellipsis", max_width=room[column.title])
    for number in range(len(rows)):
        made.add_row(*(_styled(cells[column.title][number]) for column in kept))
    return made


def _room(wide: Mapping[str, int], titles: Sequence[str], *, width: int) -> dict[str, int]:
    """How wide each column may be: where all do not fit, the widest gives way, so that short ones stay whole."""
    room = {title: wide[title] for title in titles}
    while sum(room.values()) + GAP * (len(room) - 1) > width and max(room.values()) > 1:
        room[max(room, key=lambda title: room[title])] -= 1
    return room


def cell(value: Any) -> str:
    """A value of the API in words, on one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(name)}={cell(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell(inner) for inner in value)
    return one_line(value)


def _styled(text: str) -> Text:
    return Text(text, style=STYLES.get(text, ""))
