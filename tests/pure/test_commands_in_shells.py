"""What real shells make of compiled commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.commands import Command, Syntax, compile_command

SHELLS = [
    pytest.param(("dash",), id="dash"),
    pytest.param(("busybox", "sh"), id="busybox"),
    pytest.param(("bash",), id="bash"),
]

COUNT, EXAMPLES = 50, 100
TABLE = [f"p{number}" for number in range(COUNT)]
EVERYWHERE = """\
printf '%s\\0' $p0 "$p0" "pre${p0}post" a${p0}b ${p0} ${p0:-none} "${p0#"$p0"}"
y=$p0; printf '%s\\0' "$y"
case $p0 in $p0) printf '%s\\0' same;; *) printf '%s\\0' other;; esac
printf '%s\\0' "$(printf '[%s]' $p0 "${p0}")" "${unset:-"$p0"}" ${unset:-$p0}
cat <<END
<$p0> "${p0}"
END
"""
HOSTILE = [
    "$(touch canary)", "`touch canary`", "'; touch canary; '", '"; touch canary; "', "\n touch canary\n",
    "a[$(touch canary)]", "$p1", "${BY_p1}", "{p1}", "*", "?", "~", "-n", "--help", "%s%n", "\\", "\\n", "'", '"', "$",
    "\r\n", "END", "\nEND\n", "#", "!", "é\n",
]  # fmt: skip
TEXTS = (
    st.sampled_from(HOSTILE)
    | st.text(" '\"$`\\*?[]{}()<>|&;#~%^=!\n\t-a", max_size=8)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
)


def run(shell: Sequence[str], command: Command, values: dict[str, str], directory: Path) -> bytes:
    environment = {f"BY_{name}".encode(): value.encode() for name, value in values.items()}
    done = subprocess.run(
        [*shell, "-c", command.text],
        env={b"PATH": os.environb[b"PATH"]} | environment,
        cwd=directory, capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == 0
    return done.stdout


@pytest.fixture(scope="module")
def empty_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


def expected_everywhere(value: str) -> bytes:
    once = [value, value, f"pre{value}post", f"a{value}b", value, value or "none", "", value]
    told = [*once, "same", f"[{value}][{value}]", value, value]
    return b"".join(text.encode() + b"\0" for text in told) + f'<{value}> "{value}"\n'.encode()


@pytest.mark.meets("BD-30")
@pytest.mark.parametrize("shell", SHELLS)
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(TEXTS, min_size=COUNT, max_size=COUNT))
def test_every_value_arrives_as_it_is_and_none_is_executed(
    empty_directory: Path, shell: Sequence[str], texts: list[str]
) -> None:
    words = " ".join(f'${name} "${name}" "pre${{{name}}}post"' for name in TABLE)
    template = f"printf '%s\\0' {words}\n{EVERYWHERE}"
    command = compile_command(template, names=TABLE, syntax=Syntax.SHELL)

    out = run(shell, command, dict(zip(TABLE, texts, strict=True)), empty_directory)

    each = [word for text in texts for word in (text, text, f"pre{text}post")]
    assert out == b"".join(word.encode() + b"\0" for word in each) + expected_everywhere(texts[0])
    assert list(empty_directory.iterdir()) == []


@pytest.mark.meets("BD-30")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_hostile_value_arrives_as_it_is_everywhere(empty_directory: Path, shell: Sequence[str], value: str) -> None:
    command = compile_command(EVERYWHERE, names=["p0", "p1"], syntax=Syntax.SHELL)

    out = run(shell, command, {"p0": value, "p1": "second expansion"}, empty_directory)

    assert out == expected_everywhere(value)
    assert list(empty_directory.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("template", "told"),
    [
        pytest.param("echo $x#$x # $x", "a  b#a  b", id="comment"),
        pytest.param("cat <<-'E' <<F\n\t'\n\tE\n$x\nF\necho \"$x\"", "a  b\na  b", id="two here-documents"),
        pytest.param('y=$(cat <<E\n$x )\nE\n); echo "$y" $x', "a  b ) a  b", id="nested here-document"),
        pytest.param("cat <<E\na\\\nE\nE\necho $x", "aE\na  b", id="joined end word"),
        pytest.param("echo $(case $x in a*) echo ok;; (b) ;; esac) $x", "ok a  b", id="case in a substitution"),
        pytest.param("echo ${x%'  b'} ${x%' '*} \"${x#'a '}\"", "a a   b", id="patterns"),
        pytest.param("echo $(echo case) $( # it's )\n echo $x)", "case a b", id="comment in a substitution"),
        pytest.param("f() { echo ${1:-$x}; }; ( (f) )", "a  b", id="function in subshells"),
        pytest.param("echo $((1 << 2))$x `echo \\`echo 1\\``", "4a  b 1", id="arithmetic and backquotes"),
        pytest.param("echo no$y", "no", id="an undeclared name is not the variable of a value"),
    ],
)
def test_shells_read_a_script_as_we_do(empty_directory: Path, shell: Sequence[str], template: str, told: str) -> None:
    out = run(
        shell,
        compile_command(template, names=["x"], syntax=Syntax.SHELL),
        {"x": "a  b", "y": "echo no"},
        empty_directory,
    )

    assert out.decode().strip() == told


@pytest.mark.parametrize("shell", SHELLS)
def test_the_type_for_any_command_runs_it(empty_directory: Path, shell: Sequence[str]) -> None:
    command = compile_command("exec sh -c -- $command", names=["command"], syntax=Syntax.SHELL)

    out = run(shell, command, {"command": "echo 'a  b' | tr a-z A-Z"}, empty_directory)

    assert out == b"A  B\n"
