"""Finds and reads batchd's files in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel

from jobs.config.batchd.schema import ControllerFile, HostFile, JobTypeFile, MainFile
from jobs.config.text.reading import Document, read_file
from jobs.config.text.schema import shaped
from jobs.problems import Problem, Problems, did_you_mean

Made = TypeVar("Made", bound=BaseModel)

MAIN: Final = "batchd.yaml"
FOLDERS: Final = ("controllers", "hosts", "jobtypes")
FILES_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the files: by the names of the files, by which jobs refer to them."""

    main: MainFile
    controllers: dict[str, ControllerFile] = field(default_factory=dict)
    hosts: dict[str, HostFile] = field(default_factory=dict)
    types: dict[str, JobTypeFile] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    # Blocks of host files that belong to their controllers, by name of the host.
    blocks: dict[str, object] = field(default_factory=dict)

    def document(self, name: str) -> Document:
        """The file of that name, such as `hosts/far.yaml`."""
        return self.documents[name]


def read_directory(directory: Path) -> Found:
    """All files of `directory`. Raises Problems with all that is wrong with their form."""
    if not directory.is_dir():
        raise Problems([Problem("not_found", f"There is no directory {directory}.")])
    problems: list[Problem] = []
    found = Found(MainFile())
    main = directory / MAIN
    if main.exists():
        found = Found(_taken(found, main, MAIN, MainFile, problems) or MainFile(), documents=found.documents)
    for folder, shape, into in _parts(found):
        for path in sorted((directory / folder).glob("*.yaml"))[:FILES_LIMIT]:
            made = _taken(found, path, f"{folder}/{path.name}", shape, problems)
            if made is not None:
                into[path.stem] = made
    problems += _strange(directory)
    if not found.documents and not problems:
        expected = f"{MAIN}, {', '.join(f'{folder}/' for folder in FOLDERS)}"
        problems.append(Problem("not_found", f"{directory} holds nothing of batchd.", None, f"Expected: {expected}."))
    if problems:
        raise Problems(problems)
    return found


def _parts(found: Found) -> Iterator[tuple[str, type[BaseModel], dict[str, BaseModel]]]:
    yield "controllers", ControllerFile, found.controllers  # type: ignore[misc]
    yield "hosts", HostFile, found.hosts  # type: ignore[misc]
    yield "jobtypes", JobTypeFile, found.types  # type: ignore[misc]


def _taken(found: Found, path: Path, name: str, shape: type[Made], problems: list[Problem]) -> Made | None:
    """What a file says; None, and its problems told, if that is impossible."""
    try:
        document = read_file(path, name=name)
        found.documents[name] = document
        value = document.value
        if shape is HostFile and isinstance(value, dict):
            value = _without_block(found, path.stem, value)
        return shaped(shape, value)
    except Problems as wrong:
        document_of = found.documents.get(name)
        problems += [document_of.told(one) if document_of else one for one in wrong.problems]
        return None


def _without_block(found: Found, name: str, value: dict[str, object]) -> dict[str, object]:
    """A host's file without the block that its controller reads."""
    controller = value.get("controller")
    is_block = isinstance(controller, str) and controller not in HostFile.model_fields and controller in value
    if not is_block or not isinstance(controller, str):
        return value
    found.blocks[name] = value[controller]
    return {key: told for key, told in value.items() if key != controller}


def _strange(directory: Path) -> list[Problem]:
    """Folders whose names are nearly those that are read: what is in them would be lost without a word."""
    wrong = []
    for path in sorted(directory.iterdir()):
        hint = did_you_mean(path.name, FOLDERS)
        if path.is_dir() and path.name not in FOLDERS and hint.startswith("Did you mean"):
            wrong.append(Problem("unknown_folder", f'Nothing is read from "{path.name}/".', None, hint))
    return wrong
