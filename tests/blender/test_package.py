"""What is installed is one thing, however Blender reads it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

import batchyard_blender
from batchyard_blender.submission import PARAMETERS, lacking
from tests.scenarios.site import ROOT

SOURCES = ROOT / "clients" / "blender" / "batchyard_blender"
PAGE = ROOT / "docs" / "howto" / "blender.md"
TYPE = ROOT / "clients" / "blender" / "blender-frames.yaml"


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.py")), ids=lambda path: path.name)
def test_the_python_of_the_oldest_blender_reads_it(path: Path) -> None:
    assert ast.parse(path.read_text(), feature_version=(3, 10)).body


def test_both_ways_to_describe_it_agree() -> None:
    manifest = tomllib.loads((SOURCES / "blender_manifest.toml").read_text())
    info = batchyard_blender.bl_info

    assert manifest["id"] == SOURCES.name
    assert manifest["version"] == ".".join(str(part) for part in info["version"])
    assert (manifest["name"], manifest["tagline"]) == (info["name"], info["description"])


def test_the_archive_has_all_of_it_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = [tmp_path / "a.zip", tmp_path / "b.zip"]
    for path in made:
        subprocess.run([str(ROOT / "scripts" / "blender-addon"), str(path)], check=True)

    with ZipFile(made[0]) as archive:
        names = set(archive.namelist())
    assert made[0].read_bytes() == made[1].read_bytes()
    assert names == {f"{SOURCES.name}/{path.name}" for path in SOURCES.iterdir() if path.suffix in (".py", ".toml")}


def test_the_job_type_takes_what_is_submitted() -> None:
    declared = yaml.safe_load(TYPE.read_text())["params"]

    assert lacking(declared) == ""
    assert {one["name"] for one in declared} == set(PARAMETERS)


def test_the_page_shows_the_job_type_as_it_is() -> None:
    [block] = re.findall(r"^    name: blender-frames\n(?:(?:    .*)?\n)+", PAGE.read_text(), flags=re.MULTILINE)
    shown: Any = yaml.safe_load("\n".join(line[4:] for line in block.splitlines()))

    assert shown == yaml.safe_load(TYPE.read_text())
