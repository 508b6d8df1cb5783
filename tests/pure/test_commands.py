from __future__ import annotations

import hashlib
import time

import pytest

from jobs.commands import Command, CommandProblem, Syntax, compile_command
from jobs.problems import Problem

NAMES = frozenset({"scene", "frame", "x"})


def compiled(template: str, syntax: Syntax = Syntax.SHELL) -> Command:
    return compile_command(template, names=NAMES, syntax=syntax)


def problems_of(template: str, syntax: Syntax = Syntax.SHELL) -> tuple[Problem, ...]:
    with pytest.raises(CommandProblem) as refused:
        compiled(template, syntax)
    return refused.value.problems


@pytest.mark.meets("BD-29")
@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("echo $x", 'echo "${BY_x}"', id="plain"),
        pytest.param("echo ${x}", 'echo "${BY_x}"', id="in braces"),
        pytest.param("echo a${x}b$x.c", 'echo a"${BY_x}"b"${BY_x}".c', id="in a word"),
        pytest.param('echo "a $x ${x}"', 'echo "a ${BY_x} ${BY_x}"', id="double quotes"),
        pytest.param("y=$x; export z=$x", 'y="${BY_x}"; export z="${BY_x}"', id="assignments"),
        pytest.param("cat <$x >>$x 2>&1", 'cat <"${BY_x}" >>"${BY_x}" 2>&1', id="redirections"),
        pytest.param("cat <<<$x", 'cat <<<"${BY_x}"', id="here-string"),
        pytest.param("echo $xx ${xx} $x1 $PATH", "echo $xx ${xx} $x1 $PATH", id="undeclared names"),
        pytest.param("echo $$x $#x $?x $1x $", "echo $$x $#x $?x $1x $", id="the shell's own variables"),
        pytest.param('echo \\$x "\\$x" \\\\$x', 'echo \\$x "\\$x" \\\\"${BY_x}"', id="escapes"),
        pytest.param("# $x isn't\n echo # ${x", "# $x isn't\n echo # ${x", id="comments"),
        pytest.param("echo a#$x $#$x ${y#$x}", 'echo a#"${BY_x}" $#"${BY_x}" ${y#"${BY_x}"}', id="# in words"),
        pytest.param("echo \\\n# $x", "echo \\\n# $x", id="comment after joined lines"),
        pytest.param("echo ${x:-a b}${x%.*}", 'echo "${BY_x:-a b}""${BY_x%.*}"', id="operators"),
        pytest.param("echo ${#x} ${x:0:3}", 'echo "${#BY_x}" "${BY_x:0:3}"', id="length and part"),
        pytest.param('echo "${x:-$x}${x%"$x"}"', 'echo "${BY_x:-${BY_x}}${BY_x%"${BY_x}"}"', id="quoted operators"),
        pytest.param("echo ${y:-$x} ${y:-'a b'}", "echo ${y:-\"${BY_x}\"} ${y:-'a b'}", id="in another's default"),
        pytest.param('echo "${y:-it\'s $x}"', 'echo "${y:-it\'s ${BY_x}}"', id="apostrophe in a quoted default"),
        pytest.param("echo ${x%'.*'}", "echo \"${BY_x%'.*'}\"", id="quoted pattern"),
        pytest.param('echo "$(echo "$x" $x)"', 'echo "$(echo "${BY_x}" "${BY_x}")"', id="command substitution"),
        pytest.param(
            "echo $(case $x in a) echo $x;; (b) ;; esac) $x",
            'echo $(case "${BY_x}" in a) echo "${BY_x}";; (b) ;; esac) "${BY_x}"',
            id="case in a command substitution",
        ),
        pytest.param("echo $(echo case) $x", 'echo $(echo case) "${BY_x}"', id="case as an argument"),
        pytest.param(
            "echo $( # it's )\n echo $x)", "echo $( # it's )\n echo \"${BY_x}\")", id="comment with parenthesis"
        ),
        pytest.param("( (echo $x) )", '( (echo "${BY_x}") )', id="subshells"),
        pytest.param("f() { echo $x; }; f", 'f() { echo "${BY_x}"; }; f', id="function"),
        pytest.param("diff <(echo $x) a", 'diff <(echo "${BY_x}") a', id="process substitution"),
        pytest.param("echo $((1 << 2)) $x", 'echo $((1 << 2)) "${BY_x}"', id="arithmetic without names"),
        pytest.param("((i++)); echo $x", '((i++)); echo "${BY_x}"', id="arithmetic command"),
        pytest.param("a=(1 $x); echo ${a[1]}", 'a=(1 "${BY_x}"); echo ${a[1]}', id="array"),
        pytest.param("[[ $x == a* && $x ]]", '[[ "${BY_x}" == a* && "${BY_x}" ]]', id="test of texts"),
        pytest.param("[ $x -eq 1 ]", '[ "${BY_x}" -eq 1 ]', id="test of a number"),
        pytest.param("echo 'a\"' \"b'\" $'c\\'' $x", "echo 'a\"' \"b'\" $'c\\'' \"${BY_x}\"", id="quotes in quotes"),
        pytest.param("echo `date` $x", 'echo `date` "${BY_x}"', id="backquotes without names"),
        pytest.param(
            "cat <<E\n$x \"$x\" 'a' \\$x\nE\necho $x",
            "cat <<E\n${BY_x} \"${BY_x}\" 'a' \\$x\nE\necho \"${BY_x}\"",
            id="here-document",
        ),
        pytest.param("cat <<-E; echo $x\n\t$x\n\tE\n", 'cat <<-E; echo "${BY_x}"\n\t${BY_x}\n\tE', id="indented"),
        pytest.param("cat <<'E' <<F\nit's\nE\n$x\nF\n", "cat <<'E' <<F\nit's\nE\n${BY_x}\nF", id="two here-documents"),
        pytest.param("cat <<E\na\\\nE\nE\necho $x", 'cat <<E\na\\\nE\nE\necho "${BY_x}"', id="joined end word"),
        pytest.param("y=$(cat <<E\n$x )\nE\n) $x", 'y=$(cat <<E\n${BY_x} )\nE\n) "${BY_x}"', id="nested here-document"),
        pytest.param("echo $\\\nx $x\\\ny ", 'echo "${BY_x}" $x\\\ny ', id="joined names"),
        pytest.param("echo $BY_x", "echo $BY_x", id="the variable itself"),
    ],
)  # fmt: skip
def test_a_name_becomes_one_word(template: str, text: str) -> None:
    assert compiled(template).text == f"{text}\n"


@pytest.mark.meets("BD-29")
@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param('echo {x} "{x}" a{x}b', 'echo "${BY_x}" "${BY_x}" a"${BY_x}"b', id="placeholders"),
        pytest.param("echo $x ${x} ${x:-1}", "echo $x ${x} ${x:-1}", id="the shell's own"),
        pytest.param("echo {y} {x,y} { x}", "echo {y} {x,y} { x}", id="no placeholders"),
        pytest.param("echo {{x}} \\{x} # {x}", "echo {{x}} \\{x} # {x}", id="literal"),
        pytest.param("{ echo {x}; }", '{ echo "${BY_x}"; }', id="group"),
        pytest.param("echo ${y:-{x}}", 'echo ${y:-"${BY_x}"}', id="in a default"),
        pytest.param("cat <<E\n{x}\nE\n", "cat <<E\n${BY_x}\nE", id="here-document"),
        pytest.param("i=$((x+1))", "i=$((x+1))", id="the shell's own in arithmetic"),
    ],
)
def test_names_can_be_written_in_braces(template: str, text: str) -> None:
    assert compiled(template, Syntax.BRACES).text == f"{text}\n"


@pytest.mark.meets("BD-30")
@pytest.mark.parametrize(
    ("template", "code"),
    [
        pytest.param("echo '$x'", "single_quotes", id="single quotes"),
        pytest.param("echo \"$(awk '{print ${x}}')\"", "single_quotes", id="single quotes deep inside"),
        pytest.param("echo ${y%'$x'}", "single_quotes", id="single-quoted pattern"),
        pytest.param("echo $'a\\'$x'", "single_quotes", id="ANSI quotes"),
        pytest.param("cat <<'E'\n$x\nE", "here_document", id="quoted end word"),
        pytest.param('cat <<"E"\n$x\nE', "here_document", id="double-quoted end word"),
        pytest.param("cat <<\\E\n$x\nE", "here_document", id="escaped end word"),
        pytest.param("echo `echo $x`", "backquotes", id="backquotes"),
        pytest.param('echo "`echo $x`"', "backquotes", id="backquotes in double quotes"),
        pytest.param("echo $((x+1))", "formula", id="bare name in arithmetic"),
        pytest.param('echo "$(( (1) + $x ))"', "formula", id="arithmetic"),
        pytest.param("echo $(( ${x} ))", "formula", id="braces in arithmetic"),
        pytest.param("echo $((${y:-$x}))", "formula", id="default in arithmetic"),
        pytest.param("echo $[$x]", "formula", id="old arithmetic"),
        pytest.param("((x > 1))", "formula", id="arithmetic command"),
        pytest.param("if true && (( $x )); then :; fi", "formula", id="arithmetic command after a word"),
        pytest.param("for ((i=0; i<$x; i++)); do :; done", "formula", id="arithmetic loop"),
        pytest.param("echo ${y:$x}", "formula", id="place of a part"),
        pytest.param("echo ${x:$x:1}", "formula", id="place of its own part"),
        pytest.param("echo ${a[$x]}", "subscript", id="subscript"),
        pytest.param('a["$x"]=1', "subscript", id="assigned subscript"),
        pytest.param("[[ $x -gt 3 ]]", "test", id="number in [["),
        pytest.param("if ! [[ 1 -eq $x]] && [[ 1 -eq \"$x\" ]]; then :; fi", "test", id="number in [[ later"),
        pytest.param("y=$([[ $x -eq 1 ]])", "test", id="number in [[ before a parenthesis"),
        pytest.param("echo ${!x}", "indirect", id="indirect"),
        pytest.param("echo ${x@P}", "indirect", id="transformed"),
        pytest.param("echo ${x[0]}", "indirect", id="as an array"),
        pytest.param("#!/usr/bin/env python3\nprint('$x')", "other_script", id="Python"),
        pytest.param("#!/usr/bin/perl -w\nmy $x = 1;", "other_script", id="Perl"),
        pytest.param("#!/usr/bin/env -S A=1 fish\necho $x", "other_script", id="no Bourne shell"),
    ],
)  # fmt: skip
def test_a_name_is_refused_where_its_value_could_not_arrive(template: str, code: str) -> None:
    (problem,) = problems_of(template)

    assert problem.code == code
    assert problem.field == "template"
    assert "$x " in problem.message
    assert "BY_x" in problem.hint


@pytest.mark.parametrize(
    "template",
    ["echo '{x}'", "cat <<'E'\n{x}\nE", "echo `{x}`", "echo $(( {x} ))", "#!/usr/bin/python3\nprint('{x}')"],
    ids=["single quotes", "here-document", "backquotes", "arithmetic", "Python"],
)
def test_a_name_in_braces_is_refused_in_the_same_places(template: str) -> None:
    (problem,) = problems_of(template, Syntax.BRACES)

    assert problem.message.split(": ")[1].startswith("{x} ")


def test_a_refusal_names_the_line_and_the_way_out() -> None:
    (problem,) = problems_of("echo 'a\nb'\necho '$scene'\n")

    assert str(problem) == (
        "Line 3: $scene stands inside single quotes, where the shell does not expand it. "
        "Use double quotes, or read the variable BY_scene."
    )


def test_all_refused_names_are_told_at_once() -> None:
    problems = problems_of("echo '$scene $x'\necho $((frame))\n")

    assert [problem.message.split(" stands")[0] for problem in problems] == [
        "Line 1: $scene", "Line 1: $x", "Line 2: $frame",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        pytest.param("echo\necho 'a\n", 2, "single quote", id="single quote"),
        pytest.param("echo $'a\\'\n", 1, "single quote", id="ANSI quote"),
        pytest.param('\n\necho "a\n\n', 3, "double quote", id="double quote"),
        pytest.param('echo "$(echo \'a)"\n', 1, "single quote", id="quote in a substitution"),
        pytest.param("echo `a\n", 1, "backquote", id="backquote"),
        pytest.param("echo $(a\n\n", 1, '"$("', id="command substitution"),
        pytest.param("\necho ${a\n\n", 2, '"${"', id="braces"),
        pytest.param("echo $((1\n", 1, "arithmetic", id="arithmetic"),
        pytest.param("echo $((a); b)\n", 1, "arithmetic", id="subshell that looks like arithmetic"),
        pytest.param("\ncat <<EOF\na\n EOF\n", 2, '"EOF"', id="here-document"),
        pytest.param("cat <<EOF", 1, '"EOF"', id="here-document without a body"),
        pytest.param("echo $(cat <<EOF)\nEOF\n", 1, '"EOF"', id="here-document closed too early"),
        pytest.param("echo ${x:-'a b'}", 1, "outside double quotes", id="quotes in a default"),
        pytest.param("echo ${x:-~/a}", 1, "outside double quotes", id="tilde in a default"),
        pytest.param("$(" * 5000, 1, "too deep", id="nesting"),
    ],
)
def test_an_incomplete_script_is_refused_naming_the_line(template: str, line: int, words: str) -> None:
    (problem,) = problems_of(template)

    assert problem.code == "incomplete_script"
    assert problem.message.startswith(f"Line {line}: ")
    assert words in problem.message


@pytest.mark.parametrize(
    ("template", "code"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(" \r\n\t\n", "empty", id="blank"),
        pytest.param("\ufeff", "empty", id="byte order mark alone"),
        pytest.param("echo a\0b", "bad_character", id="NUL"),
        pytest.param("echo \ud800", "bad_character", id="lone surrogate"),
        pytest.param("x" * (2**20 + 1), "too_long", id="over 1 MiB"),
        pytest.param("#!\necho", "bad_interpreter", id="empty #!"),
        pytest.param("#!/usr/bin/env -i\necho", "bad_interpreter", id="env alone"),
    ],
)
def test_what_can_be_no_script_is_refused(template: str, code: str) -> None:
    assert [problem.code for problem in problems_of(template)] == [code]


def test_line_ends_of_windows_and_a_byte_order_mark_are_removed() -> None:
    assert compiled("\ufeff#!/bin/bash\r\necho $x\r\n").text == '#!/bin/bash\necho "${BY_x}"\n'


@pytest.mark.meets("BD-31")
@pytest.mark.parametrize(
    ("first_line", "interpreter"),
    [
        pytest.param(None, "sh", id="none"),
        pytest.param("#!/bin/sh -e", None, id="sh"),
        pytest.param("#! /usr/bin/env bash", None, id="env"),
        pytest.param("#!/usr/bin/env -S LANG=C dash -u", None, id="env -S"),
        pytest.param("#!/bin/busybox sh", None, id="busybox"),
        pytest.param("#!/usr/local/bin/zsh", None, id="zsh"),
    ],
)
def test_a_script_is_run_by_its_own_first_line_or_by_sh(first_line: str | None, interpreter: str | None) -> None:
    command = compiled(f"{first_line}\necho $x" if first_line else "echo $x")

    assert command.interpreter == interpreter
    assert command.text.endswith('echo "${BY_x}"\n')


def test_a_script_of_another_language_that_reads_the_variable_may_use_the_name() -> None:
    command = compiled("#!/usr/bin/perl\nmy $scene = $ENV{BY_scene};\nprint $scene, $other;\n")

    assert command.used == {"scene"}
    assert "my $scene" in command.text


def test_a_command_tells_which_names_it_uses() -> None:
    assert compiled('echo $scene "$BY_frame" $other # $x').used == {"scene", "frame"}


def test_commands_that_differ_have_different_digests() -> None:
    by_sh, by_itself = Command("a\n", "sh", frozenset()), Command("a\n", None, frozenset())

    assert by_sh.digest == hashlib.sha256(b"sh\na\n").hexdigest()
    assert len({by_sh.digest, by_itself.digest, Command("b\n", "sh", frozenset()).digest}) == 3


@pytest.mark.parametrize("word", ["braces", "Python", "python"])
def test_batchds_word_for_braces_is_understood(word: str) -> None:
    assert Syntax(word) is Syntax.BRACES


def test_an_unknown_syntax_is_answered_with_the_nearest() -> None:
    with pytest.raises(CommandProblem, match='Did you mean "shell"'):
        Syntax("shel")


@pytest.mark.parametrize(
    "template",
    [
        "a$x" * 300_000,
        "echo '$y'\n" * 100_000,
        "''" * 500_000,
        "`" + "a\\`" * 300_000,
        "<<a " * 250_000,
        "$y[" * 300_000,
    ],
    ids=["names", "lines", "quotes", "backquotes", "here-documents", "brackets"],
)
def test_a_long_template_takes_linear_work(template: str) -> None:
    begin = time.process_time()

    try:
        text = compiled(template[: 2**20 - 1]).text
    except CommandProblem as refused:
        text = str(refused)

    # A reader that is quadratic needs minutes.
    assert text
    assert time.process_time() - begin < 20
