"""Reads YAML strictly: what cannot be meant is refused instead of guessed, and nothing in it is executed.

Words are what they look like: only `true`, `false`, `null`, `~`, nothing at all, and whole numbers in plain digits
are anything but text. So `no`, `12:30:00`, `0o7` and `1e3` are texts, whatever other readers make of them. There
are no anchors, aliases, merge keys, tags or further documents: they are told by their line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from jobs.problems import Problem, Problems

SIZE_LIMIT_BYTES: Final = 4 * 1024 * 1024
DEPTH_LIMIT: Final = 64
WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and the line on which each part of it begins: by paths like `queues[0].name`."""

    name: str
    value: Any
    lines: Mapping[str, int]

    def told(self, problem: Problem) -> Problem:
        """The problem with the file and line that it came from."""
        place = problem.field or ""
        # Its own line, or that of the nearest part around it.
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        line = self.lines.get(place, 1)
        return Problem(problem.code, f"{self.name}:{line}: {_shown(problem)}", problem.field, problem.hint)

    def raise_told(self, problems: Problems) -> NoReturn:
        """Raises Problems: the same with their places."""
        raise Problems([self.told(problem) for problem in problems.problems]) from problems


def _shown(problem: Problem) -> str:
    return f"{problem.field}: {problem.message}" if problem.field else problem.message


def read_file(path: Path, *, name: str | None = None) -> Document:
    """What the file says, read once and whole. Raises Problems."""
    name = name or path.name
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read(SIZE_LIMIT_BYTES + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise Problems([Problem("unreadable", f"{name}: {error.strerror}.")]) from error
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise Problems([Problem("changed", f"{name} was changed while it was read.", None, "Try again.")])
    return read_text(data, name=name)


def read_text(data: bytes, *, name: str) -> Document:
    """What a text says. Raises Problems with the line of what is wrong."""
    if len(data) > SIZE_LIMIT_BYTES:
        raise _wrong(name, 1, f"It is larger than {SIZE_LIMIT_BYTES} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(name, line, f"Byte {error.start} is not UTF-8.", "Save it as UTF-8.") from error
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _wrong(name, line, f"A character {chr(error.character)!r} cannot stand here.") from error
    except yaml.MarkedYAMLError as error:
        line = 1 + (error.problem_mark.line if error.problem_mark is not None else 0)
        raise _wrong(name, line, f"This is not YAML: {error.problem}.") from error
    if builder.documents == 0 or builder.root is None:
        raise _wrong(name, 1, "It holds nothing.")
    return Document(name, builder.root, builder.lines)


def _wrong(name: str, line: int, message: str, hint: str = "") -> Problems:
    return Problems([Problem("bad_yaml", f"{name}:{line}: {message}", None, hint)])


@dataclass(slots=True)
class _Frame:
    """A list or object that is being read."""

    value: list[Any] | dict[str, Any]
    path: str
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Puts values together from events, without recursion."""

    name: str
    root: Any = None
    documents: int = 0
    lines: dict[str, int] = field(default_factory=dict)
    frames: list[_Frame] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _wrong(self.name, line, "A second document begins here; one is expected.")
        elif isinstance(event, yaml.NodeEvent):
            self._check(event, line)
            self._take_node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.frames.pop()

    def _check(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor is not None:
            hint = "Write the value out where it is used."
            raise _wrong(self.name, line, f"Anchors and aliases ({event.anchor[:40]}) are not read here.", hint)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _wrong(self.name, line, f"Tags ({tag[:80]}) are not read here.", "Leave it out.")

    def _check_text(self, text: str, line: int) -> None:
        """By an escape a text may hold what no database takes."""
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise _wrong(self.name, line, "A text holds a NUL or half of a surrogate pair, which is no character.")

    def _take_node(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._check_text(event.value, line)
            is_key = bool(self.frames) and isinstance(self.frames[-1].value, dict) and self.frames[-1].key is None
            self._put(event.value if is_key or event.style else _plain(event.value), line)
            return
        value: list[Any] | dict[str, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        path = self._put(value, line)
        if len(self.frames) >= DEPTH_LIMIT:
            raise _wrong(self.name, line, f"It is nested more than {DEPTH_LIMIT} levels deep.")
        self.frames.append(_Frame(value, path))

    def _put(self, value: Any, line: int) -> str:
        """Put a value where it belongs; its path."""
        if not self.frames:
            self.root = value
            return self._at("", line)
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
            return self._at(f"{frame.path}[{len(frame.value) - 1}]", line)
        if frame.key is None:
            frame.key = self._key(frame.value, value, line)
            return frame.path
        key, frame.key = frame.key, None
        frame.value[key] = value
        return self._at(f"{frame.path}.{key}" if frame.path else key, line)

    def _at(self, path: str, line: int) -> str:
        self.lines[path] = line
        return path

    def _key(self, known: Mapping[str, Any], key: Any, line: int) -> str:
        if not isinstance(key, str):
            raise _wrong(self.name, line, "A key is a text, not a list or an object.")
        if key in known:
            raise _wrong(self.name, line, f'The key "{key[:100]}" stands twice in one object.')
        return key


def _plain(text: str) -> Any:
    """What a word without quotes means."""
    if text in WORDS:
        return WORDS[text]
    return int(text) if WHOLE.fullmatch(text) else text
