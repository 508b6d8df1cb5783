from __future__ import annotations

import base64
import shlex
import subprocess
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.redaction import Blackout, Redaction

SECRET = "p4ss word/it's $5 ünd\\so"
LONG = "-----BEGIN-----\n" + "\n".join(f"{number:064d}" for number in range(20)) + "\n-----END-----\n"


def whole(redaction: Redaction, data: bytes) -> bytes:
    return redaction.piece(data, seen=0, is_last=True)


def in_pieces(redaction: Redaction, data: bytes, ends: list[int]) -> bytes:
    """What is kept if so much of `data` has come at each look, as a collector goes on from what it has kept."""
    kept = b""
    for end in [*sorted(ends), len(data)]:
        seen = min(len(kept), redaction.reach_bytes)
        kept += redaction.piece(data[len(kept) - seen : end], seen=seen, is_last=False)
    seen = min(len(kept), redaction.reach_bytes)
    return kept + redaction.piece(data[len(kept) - seen :], seen=seen, is_last=True)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(SECRET.encode(), id="itself"),
        pytest.param(quote(SECRET).encode(), id="in a path"),
        pytest.param(quote(SECRET, safe="").encode(), id="in a query"),
        pytest.param(quote_plus(SECRET).encode(), id="in a form"),
        pytest.param(shlex.quote(SECRET).encode()[1:-1], id="quoted by Python"),
        pytest.param(base64.b64encode(SECRET.encode()), id="base64"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()), id="base64 for URLs"),
        pytest.param(base64.b64encode(f"{SECRET}\n".encode()), id="base64 of a line"),
    ],
)
def test_a_secret_is_found_however_it_is_written(written: bytes) -> None:
    assert whole(Redaction([SECRET]), b"<" + written + b">") == b"<" + b"*" * len(written) + b">"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param('set -x; : "$1"', id="traced by sh"),
        pytest.param('bash -xc \': "$1"\' bash "$1"', id="traced by bash"),
        pytest.param('bash -c \'printf %q "$1"\' bash "$1"', id="printf %q"),
        pytest.param('printf %s "$1" | base64 -w 0', id="base64"),
        pytest.param('printf %s "user:$1:x" | base64 -w 0', id="base64 with others"),
        pytest.param('python3 -c "import json,sys; print(json.dumps(sys.argv[1]))" "$1"', id="json"),
    ],
)
@pytest.mark.parametrize("secret", ["it's a secret", "s3cr3t-w0rd", 'with "quotes" & $dollars'])
def test_what_shells_make_of_a_secret_is_found(secret: str, command: str) -> None:
    done = subprocess.run(["sh", "-c", command, "sh", secret], capture_output=True, check=True)
    data = done.stdout + done.stderr

    kept = whole(Redaction([secret]), data)

    assert len(kept) == len(data)
    assert b"********" in kept
    assert secret.encode() not in kept
    assert not any(part.encode() in kept for part in secret.split() if len(part) > 4)


def test_the_lines_of_a_long_secret_are_found_one_by_one() -> None:
    indented = "\n".join(f"    {line}" for line in LONG.splitlines()).encode()

    kept = whole(Redaction([LONG]), indented)

    assert b"0" not in kept
    assert kept.count(b"\n") == indented.count(b"\n")


@pytest.mark.parametrize("width", [64, 76])
def test_a_long_secret_is_found_in_base64_with_line_breaks(width: int) -> None:
    coded = base64.b64encode(LONG.encode())
    lines = [coded[first : first + width] for first in range(0, len(coded), width)]

    kept = whole(Redaction([LONG]), b"\n".join(lines))

    assert not any(line in kept for line in lines)


def test_secrets_that_overlap_are_both_hidden() -> None:
    assert whole(Redaction(["abcdefgh", "efghijkl"]), b"-abcdefghijkl-") == b"-" + b"*" * 12 + b"-"


def test_a_secret_within_itself_is_hidden_to_its_end() -> None:
    assert whole(Redaction(["aaaaaa"]), b"a" * 10 + b"b") == b"*" * 10 + b"b"


@given(
    secrets=st.lists(st.text("ab", min_size=6, max_size=9), min_size=1, max_size=3),
    text=st.text("abc", max_size=80),
    ends=st.lists(st.integers(0, 80), max_size=12),
)
def test_pieces_are_kept_as_the_whole_would_be(secrets: list[str], text: str, ends: list[int]) -> None:
    data = text.encode()
    redaction = Redaction(secrets)

    kept = in_pieces(redaction, data, [min(end, len(data)) for end in ends])

    assert kept == whole(redaction, data)
    assert not any(secret.encode() in kept for secret in secrets)


def test_what_could_become_a_secret_waits_for_what_follows() -> None:
    redaction = Redaction(["hunter2hunter2"])

    assert redaction.piece(b"password: hunter2hunt", seen=0, is_last=False) == b"password: "
    assert redaction.piece(b"password: hunter2hunt", seen=0, is_last=True) == b"password: hunter2hunt"


def test_of_a_run_whose_secrets_cannot_be_read_only_lines_can_be_seen() -> None:
    assert Blackout().piece(b"old password: x\r\nend\n", seen=3, is_last=False) == b"*" * 12 + b"\r\n***\n"
