"""Rewrites a script: one pass over the text that knows what the shell is in at each point."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

from jobs.substitution.cursor import Cursor
from jobs.substitution.places import BRACES, REFUSED, SHELL, Style, Where
from jobs.substitution.words import HereDocument, Words

DEPTH_LIMIT: Final = 40
# A backslash at a line's end joins lines even within a name.
VARIABLE: Final = re.compile(r"\$(?:\\\n)*([A-Za-z_](?:(?:\\\n)*[A-Za-z0-9_])*)")
PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
SPECIAL: Final = re.compile(r"\$[0-9@*#?$!-]")
BRACE: Final = re.compile(r"\$\{([#!](?=[A-Za-z0-9_@*#?$!-]))?([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])?")
ANSI_QUOTED: Final = re.compile(r"\$'(?:[^'\\]++|\\.)*+'", re.DOTALL)
BACKQUOTED: Final = re.compile(r"`(?:[^`\\]++|\\.)*+`", re.DOTALL)
HERE: Final = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|[^ \t\n;&|<>()'\"\\])+)")
WORD_RUN: Final = re.compile(r"[^ \t\n;&|<>()'\"\\$`{#]+")
TEXT_RUN: Final = re.compile(r"[^\\$`\"'{}]+")
FORMULA_RUN: Final = re.compile(r"[A-Za-z0-9_]+")
COMMENT: Final = re.compile(r"#[^\n]*")
VALUE_OPERATOR: Final = re.compile(r":?[-=?+]")
SUBSTRING: Final = re.compile(r":(?![-=?+])")
SUBSCRIPTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[[^\]]*")
UNESCAPE: Final = re.compile(r"\\(.)|['\"]")

OPENS_FORMULA: Final = {"))": "(", "]": "[", "}": "{"}


class Substitution(Cursor):
    """Rewrites one script. Use it once."""

    def __init__(self, text: str, *, names: frozenset[str], style: Style) -> None:
        super().__init__(text, style=style)
        self._names = names
        self._depth = 0
        self._words = Words()
        self._steps: dict[str, Callable[[], None]] = {
            " ": self._blank, "\t": self._blank, "\n": self._line_break, "#": self._hash, "\\": self._escape,
            "'": self._single_quotes, '"': self._double_quotes, "`": self._backquotes, "$": self._dollar_in_word,
            ";": self._separator, "&": self._separator, "|": self._separator, "<": self._redirection,
            ">": self._redirection, "(": self._parenthesis, ")": self._closing_parenthesis,
        }  # fmt: skip

    def shell_script(self) -> str:
        """The text for a Bourne shell. Raises CommandProblem."""
        self._commands(is_nested=False)
        self._raise_problems()
        return "".join(self._out)

    def check_other_script(self) -> None:
        """Raises CommandProblem if a name is written in a text that no Bourne shell reads."""
        self._opaque(self._end, Where.OTHER_SCRIPT)
        self._raise_problems()

    # Lists of commands

    def _commands(self, *, is_nested: bool) -> None:
        """Copy commands; nested: up to the parenthesis that closes them, which is copied too."""
        opened_at, outer, self._words = self._at, self._words, Words()
        while self._at < self._end:
            if is_nested and self._is_at_close():
                break
            self._steps.get(self._text[self._at], self._word_part)()
        self._end_word()
        if self._words.awaited:
            self._fail_here_document(self._words.awaited[0])
        self._words = outer
        if is_nested:
            self._close(")", opened_at, "$(")

    def _is_at_close(self) -> bool:
        if self._text[self._at] != ")":
            return False
        self._end_word()
        return not self._words.open

    def _blank(self) -> None:
        self._end_word()
        self._take(1)

    def _separator(self) -> None:
        self._end_word()
        self._words.is_first = True
        self._take(1)

    def _line_break(self) -> None:
        self._separator()
        awaited, self._words.awaited = self._words.awaited, []
        for here in awaited:
            self._here_document(here)

    def _end_word(self) -> None:
        words = self._words
        words.end_word()
        if words.is_test and words.previous == "]]":
            words.is_test = False
            for name, at in words.tested if words.is_arithmetic else ():
                self._refuse(name, Where.TEST, at)

    def _hash(self) -> None:
        comment = None if self._words.word else COMMENT.match(self._text, self._at, self._end)
        if comment:
            self._take_to(comment.end())
        else:
            self._add_to_word(1)

    def _escape(self) -> None:
        # A line break after a backslash joins two lines and is no part of a word.
        if not self._looks_at("\\\n"):
            self._words.add("\\")
        self._take(2)

    def _word_part(self) -> None:
        if self._placeholder(Where.PLAIN):
            self._words.add('"')
            return
        run = WORD_RUN.match(self._text, self._at, self._end)
        self._add_to_word(len(run.group()) if run else 1)

    def _add_to_word(self, length: int) -> None:
        self._words.add(self._text[self._at : self._at + length])
        self._take(length)

    def _dollar_in_word(self) -> None:
        if self._looks_at("$'"):
            self._ansi_quotes()
        else:
            self._dollar(Where.PLAIN)
        self._words.add('"')

    def _redirection(self) -> None:
        self._end_word()
        here = None if self._looks_at("<<<") else HERE.match(self._text, self._at, self._end)
        if here:
            word = here[2]
            is_quoted = UNESCAPE.search(word) is not None
            end_word = UNESCAPE.sub(r"\1", word)
            self._words.awaited.append(HereDocument(self._at, end_word, is_quoted, bool(here[1])))
            self._take_to(here.end())
        else:
            self._take(3 if self._looks_at("<<<") else 1)

    def _parenthesis(self) -> None:
        words = self._words
        is_word_start = not words.word
        self._end_word()
        if self._looks_at("((") and is_word_start and (words.is_first or words.previous == "for"):
            opened_at = self._at
            self._take(2)
            self._formula("))", opened_at)
            return
        words.open.append("(")
        words.is_first = is_word_start
        self._take(1)

    def _closing_parenthesis(self) -> None:
        words = self._words
        self._end_word()
        if words.open[-1:] == ["("]:
            words.open.pop()
        words.is_first = True
        self._take(1)

    # Here-documents

    def _here_document(self, here: HereDocument) -> None:
        body_end, end = self._here_document_end(here)
        if here.is_quoted:
            self._opaque(body_end, Where.HERE_DOCUMENT)
        else:
            outer_end, self._end = self._end, body_end
            self._quoted_text("")
            self._end = outer_end
        self._take_to(end)

    def _here_document_end(self, here: HereDocument) -> tuple[int, int]:
        """Where the body ends, and where the line with the end word does."""
        begin, is_joined = self._at, False
        while is_joined or not here.is_ended_by(self._line_at(begin)):
            line = self._line_at(begin)
            # A backslash at a line's end joins the next line to it.
            is_joined = not here.is_quoted and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            begin += len(line) + 1
            if begin >= self._end:
                self._fail_here_document(here)
        return begin, begin + len(self._line_at(begin))

    def _fail_here_document(self, here: HereDocument) -> NoReturn:
        message = f'a here-document begins here, and no line "{here.end_word[:60]}" ends it.'
        self._fail(here.opened_at, message, "The end word stands alone on its line, without blanks.")

    def _line_at(self, begin: int) -> str:
        end = self._text.find("\n", begin, self._end)
        return self._text[begin : self._end if end < 0 else end]

    # Quotes

    def _single_quotes(self) -> None:
        self._words.add("'")
        self._single_quoted()

    def _single_quoted(self) -> None:
        end = self._text.find("'", self._at + 1, self._end)
        if end < 0:
            self._fail(self._at, "a single quote opens here and is never closed.")
        self._opaque(end + 1, Where.SINGLE_QUOTES)

    def _ansi_quotes(self) -> None:
        quoted = ANSI_QUOTED.match(self._text, self._at, self._end)
        if not quoted:
            self._fail(self._at, "a single quote opens here and is never closed.")
        self._opaque(quoted.end(), Where.SINGLE_QUOTES)

    def _double_quotes(self) -> None:
        self._words.add('"')
        self._double_quoted()

    def _double_quoted(self) -> None:
        opened_at = self._at
        self._take(1)
        self._quoted_text('"')
        if self._at >= self._end:
            self._fail(opened_at, "a double quote opens here and is never closed.")
        self._take(1)

    def _quoted_text(self, closer: str) -> None:
        """Copy what the shell expands without splitting it, up to `closer` or the end."""
        while self._at < self._end and not (closer and self._text[self._at] == closer):
            if self._text[self._at] == "\\":
                self._take(2)
            elif not self._expansion(Where.QUOTED):
                self._take_run(TEXT_RUN)

    def _backquotes(self) -> None:
        quoted = BACKQUOTED.match(self._text, self._at, self._end)
        if not quoted:
            self._fail(self._at, "a backquote opens here and is never closed.")
        self._words.add('"')
        self._opaque(quoted.end(), Where.BACKQUOTES)

    def _opaque(self, end: int, where: Where) -> None:
        """Copy up to `end`, refusing the names in it."""
        for found in self._style.found.finditer(self._text, self._at, end):
            if found[1] in self._names:
                self._refuse(found[1], where, found.start())
        self._take_to(end)

    # Expansions

    def _expansion(self, where: Where) -> bool:
        """Copy the expansion that stands here. False: there is none."""
        if self._text[self._at] == "$":
            self._dollar(where)
        elif self._text[self._at] == "`":
            self._backquotes()
        else:
            return self._placeholder(where)
        return True

    def _placeholder(self, where: Where) -> bool:
        """Put the variable in for a name in braces; two braces are none. False: nothing of that is here."""
        if self._style is not BRACES or self._text[self._at] != "{":
            return False
        found = PLACEHOLDER.match(self._text, self._at, self._end)
        if found and found[1] in self._names:
            self._put(found[1], where)
            self._at = found.end()
        elif self._looks_at("{{"):
            self._take(2)
        else:
            return False
        return True

    def _dollar(self, where: Where) -> None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            self._fail(self._at, "expansions are nested too deep here.", f"At most {DEPTH_LIMIT} are possible.")
        opened_at = self._at
        if self._looks_at("${"):
            self._brace(where)
        elif self._looks_at("$(("):
            self._take(3)
            self._formula("))", opened_at)
        elif self._looks_at("$("):
            self._take(2)
            self._commands(is_nested=True)
        elif self._looks_at("$["):
            self._take(2)
            self._formula("]", opened_at)
        else:
            self._variable(where)
        self._depth -= 1

    def _variable(self, where: Where) -> None:
        found = VARIABLE.match(self._text, self._at, self._end)
        name = found[1].replace("\\\n", "") if found else None
        if found and name and self._is_declared(name):
            self._put(name, where)
            self._at = found.end()
        elif found:
            self._take_to(found.end())
        else:
            self._take(2 if SPECIAL.match(self._text, self._at, self._end) else 1)

    def _is_declared(self, name: str | None) -> bool:
        return self._style is SHELL and name in self._names

    def _put(self, name: str, where: Where) -> None:
        """Write the expansion of the variable of `name`, if it may stand here."""
        self._check(name, where)
        quote = '"' if where is Where.PLAIN else ""
        self._out.append(f"{quote}${{BY_{name}}}{quote}")

    def _check(self, name: str, where: Where) -> None:
        if where in REFUSED:
            self._refuse(name, where, self._at)
        elif SUBSCRIPTED.fullmatch(self._words.word):
            self._refuse(name, Where.SUBSCRIPT, self._at)
        elif self._words.is_test:
            self._words.tested.append((name, self._at))

    def _brace(self, where: Where) -> None:
        opened_at = self._at
        head = BRACE.match(self._text, self._at, self._end)
        prefix, name, end = (head[1] or "", head[2], head.end()) if head else ("", None, self._at + 2)
        if name is None or not self._is_declared(name):
            self._take_to(end)
            self._brace_rest(where, opened_at, is_wrapped=False)
            return
        is_indirect = prefix == "!" or self._text[end] in "[@"
        self._check(name, Where.INDIRECT if is_indirect else where)
        quote = '"' if where is Where.PLAIN else ""
        self._out.append(f"{quote}${{{prefix}BY_{name}")
        self._at = end
        self._brace_rest(Where.QUOTED if quote else where, opened_at, is_wrapped=bool(quote))
        self._out.append(quote)

    def _brace_rest(self, where: Where, opened_at: int, *, is_wrapped: bool) -> None:
        """Copy what follows the name in ${name...}. `is_wrapped`: in double quotes that we have added."""
        if self._looks_at("["):
            self._take(1)
            self._formula("]", opened_at, where=Where.SUBSCRIPT)
        if SUBSTRING.match(self._text, self._at, self._end):
            self._take(1)
            self._formula("}", opened_at)
            return
        operator = VALUE_OPERATOR.match(self._text, self._at, self._end)
        if operator and is_wrapped and self._text[operator.end()] == "~":
            self._fail_wrapped()
        while self._at < self._end and self._text[self._at] != "}":
            if operator and is_wrapped and self._text[self._at] in "'\"\\":
                self._fail_wrapped()
            self._brace_part(where, is_quoting=where is Where.PLAIN or not operator)
        self._close("}", opened_at, "${")

    def _brace_part(self, where: Where, *, is_quoting: bool) -> None:
        char = self._text[self._at]
        if char == "\\":
            self._take(2)
        elif char == "'" and is_quoting:
            self._single_quoted()
        elif char == '"':
            self._double_quoted()
        elif not self._expansion(where):
            self._take_run(TEXT_RUN)

    def _fail_wrapped(self) -> NoReturn:
        message = "a parameter's ${...} stands outside double quotes, and has quotes, backslashes or ~ of its own."
        self._fail(self._at, message, 'Put double quotes around it: "${...}" then means what it says.')

    def _formula(self, closer: str, opened_at: int, *, where: Where = Where.FORMULA) -> None:
        """Copy arithmetic up to `closer`, and that too. No declared name may stand in it."""
        depth = 0
        while self._at < self._end:
            if depth == 0 and self._looks_at(closer):
                self._take(len(closer))
                return
            char = self._text[self._at]
            depth += (char == OPENS_FORMULA[closer]) - (char == closer[0])
            if depth < 0:
                break
            self._formula_part(where)
        hint = 'If subshells are meant, write "( (" with a blank.' if closer == "))" else ""
        self._fail(opened_at, f'arithmetic begins here, and no "{closer}" ends it.', hint)

    def _formula_part(self, where: Where) -> None:
        if self._text[self._at] == "\\":
            self._take(2)
        elif not self._expansion(where):
            run = FORMULA_RUN.match(self._text, self._at, self._end)
            # Arithmetic reads variables without a $ too.
            if run and where is Where.FORMULA and self._is_declared(run.group()):
                self._refuse(run.group(), where, self._at)
            self._take_run(FORMULA_RUN)
