"""The project's pages, read for the tests that hold them to the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def all_pages() -> list[Path]:
    """Every Markdown page of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text_of(name: str) -> str:
    """A page, without its blocks of code: what looks like a heading there is none."""
    return FENCED.sub("", (ROOT / name).read_text(encoding="utf-8"))


def headings(name: str) -> list[str]:
    """The headings of a page, without backquotes."""
    return [heading.replace("`", "") for heading in HEADING.findall(text_of(name))]


def section(name: str, heading: str) -> str:
    """What stands between a heading and the next. Raises AssertionError if there is no such heading."""
    parts = re.split(r"^#{1,6} +(.+?)\s*$", text_of(name), flags=re.MULTILINE)
    found: dict[str, str] = dict(zip((part.replace("`", "") for part in parts[1::2]), parts[2::2], strict=True))
    assert heading in found, f"{name} has no heading {heading}"
    return found[heading]


def anchor(heading: str) -> str:
    """The fragment by which a link reaches a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
