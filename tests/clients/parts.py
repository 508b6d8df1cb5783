"""Runs yard: within this process, which is quick, or as a program of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from yard.app import main

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "clients" / "yard"


@dataclass(frozen=True)
class Result:
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Yard:
    """A user of yard with a home of their own. `site` is the URL that is told by YARD_URL; "" tells none."""

    home: Path
    site: str = ""
    token: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.home / ".config" / "batchyard"

    def env(self) -> dict[str, str]:
        told = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "TZ": "UTC"}
        told |= {"YARD_URL": self.site} if self.site else {}
        told |= {"YARD_TOKEN": self.token} if self.token else {}
        return told | self.variables

    def __call__(self, *words: str, stdin: bytes | None = b"") -> Result:
        """Run a command within this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        variables = self.env()
        with pytest.MonkeyPatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.chdir(self.home)
            patch.setattr(sys, "stdin", stdin if stdin is None else io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main(list(words))
        return Result(status, *(text_of(stream) for stream in (out, err)))

    def ok(self, *words: str, stdin: bytes | None = b"") -> str:
        """The output of a command that must work."""
        result = self(*words, stdin=stdin)
        assert result.status == 0, result
        return result.out

    def json(self, *words: str, stdin: bytes | None = b"") -> Any:
        """The document of a command that must work."""
        return json.loads(self.ok("--json", *words, stdin=stdin))

    def command(self, *words: str) -> list[str]:
        """A command as a program of its own."""
        return [sys.executable, "-m", "yard", *words]

    @contextmanager
    def program(self, *words: str, **given: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A command as a program that runs. It is gone afterwards."""
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(self.command(*words), env=self.env(), cwd=self.home, **(pipes | given)) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8", "backslashreplace")


def one_line_of(result: Result, *, status: int) -> str:
    """The one line that says what went wrong."""
    assert result.status == status, result
    assert result.out == ""
    assert result.err.startswith("yard: ")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    return result.err
