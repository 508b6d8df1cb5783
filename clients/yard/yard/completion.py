"""Completes what stands at a shell's prompt: commands, options and names of the site.

Our own scripts, as names and notes are written by other people: no shell here evaluates what it is told.
"""

from __future__ import annotations

import os
from typing import ClassVar, Final

from typer._click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string

from yard.clean import one_line

# The words of the line up to the cursor, one a line, as they are written there.
WORDS: Final = "_YARD_WORDS"
BREAKS: Final = "=:"

BASH: Final = r"""
_yard_completion() {
    local line IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while read -r line; do
        if [[ $current == [\"\']* ]]; then
            # Within quotes, only what means itself there.
            [[ $line == *[\"\'\`\$\\!]* ]] && continue
        elif [[ -n $line ]]; then
            printf -v line %q "$line"
        fi
        [[ -n $line ]] && COMPREPLY+=("$line")
    done < <(_YARD_WORDS="${COMP_WORDS[*]:0:COMP_CWORD+1}" _YARD_COMPLETE=complete_bash "${1/#\~/$HOME}" 2>/dev/null)
}
complete -o default -F _yard_completion yard
"""
ZSH: Final = r"""
#compdef yard
_yard() {
    local line told value
    local -a before found
    before=("${(@)words[1,CURRENT-1]}" "$PREFIX")
    told=$(_YARD_WORDS="${(pj:\n:)before}" _YARD_COMPLETE=complete_zsh "${words[1]/#\~/$HOME}" 2>/dev/null)
    for line in "${(@f)told}"; do
        [[ -n $line ]] || continue
        line=${line//\\/\\\\}
        value=${line%%$'\t'*}
        found+=("${value//:/\\:}${${line#"$value"}/$'\t'/:}")
    done
    if (( $#found )); then
        _describe -t values yard found
    else
        _files
    fi
}
if [[ $funcstack[1] == _yard ]]; then
    _yard "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _yard yard
fi
"""
FISH: Final = r"""
function __yard_completion
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -lx _YARD_WORDS (printf '%s\n' $before | string collect -N)"$current"
    set -lx _YARD_COMPLETE complete_fish
    set -l program (string replace -r '^~' $HOME -- $before[1])
    set -l found (command $program 2>/dev/null)
    if test -n "$found"
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete --command yard --no-files --arguments '(__yard_completion)'
"""
SCRIPTS: Final = {"bash": BASH, "fish": FISH, "zsh": ZSH}


class Completion(ShellComplete):
    """What may stand at the cursor, one a line; where the shell shows them with a text, behind a tab."""

    is_bash: ClassVar[bool] = False

    def source_vars(self) -> dict[str, str]:
        return {}

    def get_completion_args(self) -> tuple[list[str], str]:
        words = [_unquoted(word) for word in os.environ.get(WORDS, "").split("\n")]
        words = _joined(words) if self.is_bash else words
        return words[1:-1], words[-1] if len(words) > 1 else ""

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        items = [item for item in self.get_completions(args, incomplete) if item.type == "plain"]
        option, is_given, _value = incomplete.partition("=")
        # Bash completes what stands behind the sign, the others all of the word.
        before = f"{option}=" if is_given and option.startswith("--") and not self.is_bash else ""
        return "\n".join(before + self.format_completion(item) for item in items)

    def format_completion(self, item: CompletionItem) -> str:
        value, text = one_line(item.value), one_line(item.help or "")
        return value if self.is_bash or not text else f"{value}\t{text}"


class OfBash(Completion):
    name = "bash"
    source_template = BASH
    is_bash = True


class OfZsh(Completion):
    name = "zsh"
    source_template = ZSH


class OfFish(Completion):
    name = "fish"
    source_template = FISH


def register() -> None:
    """Let the command answer the scripts."""
    for kind in (OfBash, OfZsh, OfFish):
        add_completion_class(kind, kind.name)


def _unquoted(word: str) -> str:
    return "".join(split_arg_string(word))


def _joined(words: list[str]) -> list[str]:
    """Words of bash, which takes them apart at "=" and ":" too, as they were written."""
    joined: list[str] = []
    is_open = False
    for word in words:
        is_break = bool(word) and not word.strip(BREAKS)
        if joined and (is_break or is_open):
            joined[-1] += word
        else:
            joined.append(word)
        is_open = is_break
    return joined
