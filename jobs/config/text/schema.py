"""The shape of files: which keys there are, and of which types. What they mean together, the definitions check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jobs.problems import Problem, Problems, did_you_mean

Made = TypeVar("Made", bound=BaseModel)
PROBLEMS_LIMIT: Final = 100
PYDANTICS: Final = re.compile(r"^Input should be ")
Texts = dict[str, str]


class Shape(BaseModel):
    """An object with known keys only; values are taken as they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HostShape(Shape):
    """A machine that runs jobs, and how to reach it. Its key is a name in the site's key directory, never a key."""

    name: str
    enabled: bool = True
    transport: str = "ssh"
    address: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: str = ""
    key: str = ""
    host_keys: list[str] = Field(default_factory=list)
    seats: Annotated[int, Field(ge=1, le=10_000)] = 1
    directory: str = ""
    input_directory: str = ""
    output_directory: str = ""
    startup_commands: str = ""
    variables: Texts = Field(default_factory=dict)


class PoolShape(Shape):
    """An ordered set of hosts."""

    name: str
    title: str = ""
    hosts: list[str] = Field(default_factory=list)


def _listed(value: object) -> object:
    return [] if value is None else value


Entries = Annotated[list[dict[str, Any]], BeforeValidator(_listed)]


class SiteShape(Shape):
    """All that a file of definitions may hold, in the order in which it is applied."""

    variables: Texts = Field(default_factory=dict)
    hosts: Annotated[list[HostShape], BeforeValidator(_listed)] = Field(default_factory=list)
    pools: Annotated[list[PoolShape], BeforeValidator(_listed)] = Field(default_factory=list)
    schedules: Entries = Field(default_factory=list)
    job_types: Entries = Field(default_factory=list, alias="job-types")
    queues: Entries = Field(default_factory=list)
    grants: Entries = Field(default_factory=list)


def shaped(shape: type[Made], value: object) -> Made:
    """`value` in this shape. Raises Problems with all that is wrong, each with its place and, of keys, the nearest."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise Problems([_problem(shape, told) for told in error.errors()[:PROBLEMS_LIMIT]]) from error


def _problem(shape: type[BaseModel], told: Mapping[str, Any]) -> Problem:
    place = told["loc"]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    if told["type"] == "extra_forbidden":
        known = keys_at(shape, place[:-1])
        key = str(place[-1])[:100]
        return Problem("unknown_key", f'There is no key "{key}" here.', field, did_you_mean(key, known))
    if told["type"] == "missing":
        return Problem("required", f'"{place[-1]}" is missing.', field)
    return Problem("wrong_type", PYDANTICS.sub("This should be ", told["msg"]) + ".", field)


def keys_at(shape: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that an object at `place` may have."""
    for part in place:
        if isinstance(part, str) and (inner := _inner(shape, part)):
            shape = inner
    return [field.alias or name for name, field in shape.model_fields.items()]


def _inner(shape: type[BaseModel], key: str) -> type[BaseModel] | None:
    fields = {field.alias or name: field for name, field in shape.model_fields.items()}
    if key not in fields:
        return None
    pending: list[Any] = [fields[key].annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        pending += getattr(kind, "__args__", ())
    return None
