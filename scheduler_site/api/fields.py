"""Fields that take exactly the JSON type they stand for, and objects that take no other keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, cast

from rest_framework import serializers

from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.api.errors import flatten, invalid

UNKNOWN_LIMIT: Final = 20
WORDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def kind_of(value: object) -> str:
    """The JSON type of `value` in words."""
    return WORDS.get(type(value), type(value).__name__)


def mistyped(value: object, wanted: str) -> Problem:
    return Problem("wrong_type", f"This is {kind_of(value)}; {wanted} is expected.")


class Text(serializers.CharField):
    """A JSON string, taken as it is. May be empty unless said otherwise."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 10_000)
        kwargs.setdefault("allow_blank", True)
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise invalid(mistyped(data, "a text"))
        return super().to_internal_value(data)


class Number(serializers.IntegerField):
    """A JSON integer: no text, no fraction, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise invalid(mistyped(data, "a whole number"))
        return data


class Flag(serializers.BooleanField):
    """JSON true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise invalid(mistyped(data, "true or false"))
        return data


class Word(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise invalid(mistyped(data, "a text"))
        if data not in self.choices:
            listed = ", ".join(f'"{word}"' for word in self.choices)
            raise invalid(
                Problem("unknown_word", f'"{data[:100]}" is not possible here.', None, f"Possible: {listed}.")
            )
        return data


class Moment(serializers.DateTimeField):
    """A point in time: ISO 8601 with an offset."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise invalid(mistyped(value, "a time"))
        try:
            return moment(value)
        except ValueError as problem:
            raise invalid(
                Problem("bad_time", f"{problem}", None, 'Write it like "2026-01-31T22:00:00Z" or with an offset.')
            ) from problem


def moment(text: str) -> datetime:
    """The UTC time that an ISO 8601 text with an offset means. Raises ValueError saying what is wrong."""
    shown = f'"{text[:40]}"'
    try:
        at = datetime.fromisoformat(text) if text.isascii() and len(text) <= 40 and "T" in text.upper() else None
    except ValueError:
        at = None
    if at is None:
        raise ValueError(f"{shown} is not a time.")
    if at.tzinfo is None:
        raise ValueError(f"{shown} has no offset from UTC.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{shown} is out of range.") from None


class Strict(serializers.Serializer[Any]):
    """An object with known keys only."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {"non_field_errors": [f"This is {kind_of(data)}; an object is expected."]}, code="wrong_type"
            )
        problems = unknown_keys(data, {name for name, field in self.fields.items() if not field.read_only})
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as found:
            if not problems or not isinstance(found.detail, dict):
                raise
            raise serializers.ValidationError({**cast("dict[str, Any]", found.detail), **problems}) from found
        if problems:
            raise serializers.ValidationError(problems)
        return value


def unknown_keys(data: Mapping[str, object], known: set[str]) -> dict[str, list[Any]]:
    """What is wrong with the first keys that nobody reads, by key. A hint takes time, so not all of thousands."""
    unknown = (str(key) for key in data if key not in known)
    return {key: [_unknown(key, known)] for key in islice(unknown, UNKNOWN_LIMIT)}


def _unknown(key: str, known: set[str]) -> Any:
    problem = Problem("unknown_key", f'There is no key "{key[:100]}" here.', None, did_you_mean(key[:100], known))
    return cast("list[Any]", invalid(problem).detail)[0]


def read(form: type[Strict], data: object, *, is_part: bool = False) -> dict[str, Any]:
    """The checked values of `data`; with `is_part`, nothing is required. Raises Problems with all that is wrong."""
    reader = form(data=data, partial=is_part)
    if not reader.is_valid():
        raise Problems(flatten(reader.errors))
    return dict(reader.validated_data)
