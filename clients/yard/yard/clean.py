"""Keeps what jobs and people wrote from steering the terminal that shows it."""

from __future__ import annotations

import codecs
import re
from typing import Final

# An escape sequence: CSI, a string such as a title or a link (to BEL or ST), or two characters.
SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]",
    re.DOTALL,
)
BEGUN: Final = re.compile(r"[\x1b\x9b\x9d\x90\x98\x9e\x9f][^\n]*\Z")
# C0 and C1 but tab and line feed, and what turns the direction of writing.
CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
BLANKS: Final = re.compile(r"[\r\n\t\u2028\u2029]+")
HELD_CHARACTERS: Final = 4096


def one_line(text: object) -> str:
    """`text` without control characters and line breaks."""
    return CONTROL.sub("", BLANKS.sub(" ", SEQUENCE.sub("", str(text))))


def without_controls(text: str) -> str:
    """`text` without control characters, its lines kept. A lone carriage return begins a new line."""
    plain = SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL.sub("", plain)


class Cleaner:
    """Cleans output that comes in pieces: characters and escape sequences may be cut anywhere."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def take(self, data: bytes, *, is_last: bool = False) -> str:
        """What of `data`, and of what was held back before, can be shown now."""
        text = self._held + self._decoder.decode(data, is_last)
        self._held = ""
        if not is_last:
            text = self._hold(text)
        return without_controls(text)

    def _hold(self, text: str) -> str:
        """`text` without an escape sequence, or a carriage return, whose rest is still to come."""
        stripped = SEQUENCE.sub("", text)
        begun = BEGUN.search(stripped)
        place = begun.start() if begun else len(stripped) - stripped.endswith("\r")
        if len(stripped) - place <= HELD_CHARACTERS:
            self._held = stripped[place:]
            return stripped[:place]
        return stripped
