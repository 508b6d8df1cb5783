"""What has to be remembered while a list of shell commands is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

WORD_LIMIT: Final = 200
BEFORE_COMMAND: Final = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"})
ARITHMETIC_TESTS: Final = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v"})


@dataclass(slots=True)
class HereDocument:
    """One whose body begins after the next line break."""

    opened_at: int
    end_word: str
    is_quoted: bool
    is_indented: bool

    def is_ended_by(self, line: str) -> bool:
        return (line.lstrip("\t") if self.is_indented else line) == self.end_word


@dataclass(slots=True)
class Words:
    """Where the shell is in a list of commands.

    open          "(" and "case" that are not closed yet
    word          the word so far; a quoted part counts as one quote character
    is_first      whether the next word can be a reserved one
    tested        the names used since the last [[
    """

    open: list[str] = field(default_factory=list)
    word: str = ""
    previous: str = ""
    is_first: bool = True
    is_test: bool = False
    is_arithmetic: bool = False
    tested: list[tuple[str, int]] = field(default_factory=list)
    awaited: list[HereDocument] = field(default_factory=list)

    def add(self, part: str) -> None:
        """Make the word longer. Its beginning says all there is to know: the limit keeps the work linear."""
        if len(self.word) < WORD_LIMIT:
            self.word += part[:WORD_LIMIT]

    def end_word(self) -> None:
        """Take notice of a word that is complete."""
        word, self.word = self.word, ""
        if not word:
            return
        self.previous = word
        self.is_arithmetic = self.is_arithmetic or (self.is_test and word in ARITHMETIC_TESTS)
        if word == "in" and self.is_in_case:
            self.is_first = True
        elif self.is_first:
            self._first_word(word)

    @property
    def is_in_case(self) -> bool:
        return self.open[-1:] == ["case"]

    def _first_word(self, word: str) -> None:
        if word == "case":
            self.open.append("case")
        elif word == "esac" and self.is_in_case:
            self.open.pop()
        elif word == "[[":
            self.is_test, self.is_arithmetic, self.tested = True, False, []
        self.is_first = word in BEFORE_COMMAND
