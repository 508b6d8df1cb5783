"""What a job type asks for, and the one place where given values are checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from jobs.problems import Problem, Problems, did_you_mean
from jobs.redaction import shortcoming

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
NAME_HINT: Final = "Possible: up to 64 letters a-z, digits and _, not starting with a digit."
# Linux refuses to start a program with one environment variable over this, its name, "=" and NUL included.
VARIABLE_LIMIT_BYTES: Final = 128 * 1024
TOTAL_LIMIT_BYTES: Final = 1024 * 1024
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
# No leading zero: many programs, shells among them, read 010 as eight.
INT_TEXT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
TITLE_LIMIT: Final = 200
PARAMETERS_LIMIT: Final = 1000
CHOICES_LIMIT: Final = 1000
PROBLEMS_LIMIT: Final = 100
KEYS: Final = ("name", "type", "title", "default", "required", "choices")


class ParameterProblems(Problems):
    """A declaration or the values given for it are impossible; `problems` holds each."""


class ParameterType(StrEnum):
    """What a parameter's value is. Reading accepts batchd's "Integer" for Int.

    Raises ParameterProblems for an unknown word.
    """

    STRING = "String"
    INT = "Int"
    BOOLEAN = "Boolean"
    CHOICE = "Choice"
    INPUT_FILE = "InputFile"
    OUTPUT_FILE = "OutputFile"
    SECRET = "Secret"  # noqa: S105  (a word)

    @classmethod
    def _missing_(cls, value: object) -> ParameterType:
        if value == "Integer":
            return cls.INT
        hint = did_you_mean(str(value)[:100], cls)
        raise ParameterProblems([Problem("unknown_type", f"There is no parameter type {_shown(value)}.", "type", hint)])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared input.

    name      what a template writes as $name; the run reads it as the variable BY_name
    title     what people see; "" becomes the name
    default   the value if none is given. None and "" both mean that there is none
    required  whether a job without a value, neither given nor by default, is refused
    choices   the possible values of a Choice; empty for every other type
    """

    name: str
    type: ParameterType
    title: str = ""
    default: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)

    @property
    def variable(self) -> str:
        """The environment variable that holds the value in a run."""
        return f"BY_{self.name}"


def validate(parameters: Sequence[Parameter], values: Mapping[str, object], *, field: str = "params") -> dict[str, str]:
    """The value of every declared parameter as text in its one canonical form; "" where there is none.

    An empty text counts as not given, except for a String. Giving the result again gives the same.
    Raises ParameterProblems with all that is wrong, each with a field like `params.scene`.
    """
    problems = _undeclared(parameters, values, field)
    found: dict[str, str] = {}
    for parameter in parameters:
        try:
            found[parameter.name] = _value_of(parameter, values)
        except _Wrong as wrong:
            problems.append(wrong.problem(f"{field}.{parameter.name}"))
    problems += _total_problems(found, field)
    if problems:
        raise ParameterProblems(problems[:PROBLEMS_LIMIT])
    return found


def to_json(parameters: Iterable[Parameter]) -> list[dict[str, object]]:
    """The declarations in the form that `declare` reads."""
    told: list[dict[str, object]] = []
    for item in parameters:
        one: dict[str, object] = {
            "name": item.name,
            "type": item.type.value,
            "title": item.title,
            "default": item.default,
            "required": item.required,
        }
        told.append(one | ({"choices": list(item.choices)} if item.choices else {}))
    return told


def declare(declarations: object, *, field: str = "params") -> tuple[Parameter, ...]:
    """The parameters that a list of JSON objects declares.

    Raises ParameterProblems with all that is wrong, each with a field like `params[0].name`.
    """
    if not isinstance(declarations, list | tuple):
        raise ParameterProblems([Problem("wrong_type", "The parameters must be a list.", field)])
    if len(declarations) > PARAMETERS_LIMIT:
        message = f"{len(declarations)} parameters are too many; {PARAMETERS_LIMIT} are possible."
        raise ParameterProblems([Problem("too_many", message, field)])
    problems: list[Problem] = []
    declared = [_declared(one, f"{field}[{number}]", problems) for number, one in enumerate(declarations)]
    problems += _twins(declared, field)
    if problems:
        raise ParameterProblems(problems[:PROBLEMS_LIMIT])
    return tuple(parameter for parameter in declared if parameter)


class _Wrong(Exception):
    """One value is wrong."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self._told = (code, message, hint)

    def problem(self, field: str) -> Problem:
        code, message, hint = self._told
        return Problem(code, message, field, hint)


def _shown(value: object) -> str:
    """`value` for a message: short, on one line, and always encodable."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    words = {type(None): "null", bool: "a truth value", int: "a number", float: "a fraction", list: "a list"}
    return words.get(type(value), "an object")


def _undeclared(parameters: Sequence[Parameter], values: Mapping[str, object], field: str) -> list[Problem]:
    known = {parameter.name for parameter in parameters}
    strange = [str(name) for name in values if name not in known]
    return [_undeclared_problem(name, known, field) for name in strange[:PROBLEMS_LIMIT]]


def _undeclared_problem(name: str, known: set[str], field: str) -> Problem:
    message = f"There is no parameter {_shown(name)}."
    hint = did_you_mean(name[:100], known) if known else "This job type takes none."
    return Problem("unknown_parameter", message, f"{field}.{name}" if NAME.fullmatch(name) else field, hint)


def _value_of(parameter: Parameter, values: Mapping[str, object]) -> str:
    if parameter.name in values:
        value = _canonical(parameter, values[parameter.name])
        if value or parameter.type == ParameterType.STRING:
            return value
    if parameter.default:
        return _canonical(parameter, parameter.default)
    if parameter.required:
        raise _Wrong("required", f'Parameter "{parameter.name}" has no value and must have one.')
    return ""


def _total_problems(values: Mapping[str, str], field: str) -> list[Problem]:
    size_bytes = sum(_variable_bytes(name, value) for name, value in values.items())
    if size_bytes <= TOTAL_LIMIT_BYTES:
        return []
    message = f"The values have {size_bytes} bytes together; {TOTAL_LIMIT_BYTES} are possible."
    return [Problem("too_long", message, field, "Put them in a file and give its name.")]


def _variable_bytes(name: str, value: str) -> int:
    return len(f"BY_{name}=") + len(value.encode()) + 1


def _canonical(parameter: Parameter, value: object) -> str:
    """The one form of `value`. Raises _Wrong. An empty text stays one."""
    return "" if value == "" else READERS[parameter.type](parameter, value)


def _text(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong("wrong_type", f'Parameter "{parameter.name}" is a text, not {_shown(value)}.')
    try:
        size_bytes = _variable_bytes(parameter.name, value)
    except UnicodeEncodeError as problem:
        message = f'Parameter "{parameter.name}" has half a surrogate pair at {problem.start}.'
        raise _Wrong("bad_character", message) from None
    if "\0" in value:
        raise _Wrong("bad_character", f'Parameter "{parameter.name}" has a NUL character at {value.index(chr(0))}.')
    over_bytes = size_bytes - VARIABLE_LIMIT_BYTES
    if over_bytes > 0:
        has, may = len(value.encode()), len(value.encode()) - over_bytes
        message = f'Parameter "{parameter.name}" has {has} bytes; {may} are possible.'
        raise _Wrong("too_long", message, "Put it in a file and give its name.")
    return value


def _int(parameter: Parameter, value: object) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, str) and INT_TEXT.fullmatch(value):
        value, is_number = int(value), True
    if not is_number or not isinstance(value, int):
        hint = "Write it in digits alone, like 7 or -5."
        message = f'Parameter "{parameter.name}" is a whole number; {_shown(value)} is not.'
        raise _Wrong("wrong_type", message, hint)
    if not INT_MIN <= value <= INT_MAX:
        raise _Wrong("out_of_range", f'Parameter "{parameter.name}" is not from {INT_MIN} to {INT_MAX}.')
    return str(value)


def _boolean(parameter: Parameter, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value in ("true", "false"):
        return value
    raise _Wrong("wrong_type", f'Parameter "{parameter.name}" is true or false, not {_shown(value)}.')


def _choice(parameter: Parameter, value: object) -> str:
    text = _text(parameter, value)
    if text in parameter.choices:
        return text
    message = f'Parameter "{parameter.name}" cannot be {_shown(text)}.'
    raise _Wrong("not_a_choice", message, did_you_mean(text[:100], parameter.choices))


def _file(parameter: Parameter, value: object) -> str:
    text = _text(parameter, value)
    if "\n" in text:
        raise _Wrong("bad_path", f'Parameter "{parameter.name}" is a path and cannot have a line break.')
    if ".." in PurePosixPath(text).parts:
        message = f'Parameter "{parameter.name}" is a path and cannot go up by "..".'
        raise _Wrong("bad_path", message, "Write the path that is meant.")
    return text


def _secret(parameter: Parameter, value: object) -> str:
    text = _text(parameter, value)
    if wrong := shortcoming(parameter.name, text):
        raise _Wrong(*wrong)
    return text


READERS: Final[dict[ParameterType, Callable[[Parameter, object], str]]] = {
    ParameterType.STRING: _text,
    ParameterType.INT: _int,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.CHOICE: _choice,
    ParameterType.INPUT_FILE: _file,
    ParameterType.OUTPUT_FILE: _file,
    ParameterType.SECRET: _secret,
}


def _declared(one: object, field: str, problems: list[Problem]) -> Parameter | None:
    """The parameter that `one` declares; None, and its problems added, if it cannot be."""
    if not isinstance(one, Mapping):
        message = f"A parameter is an object with {', '.join(KEYS)}, not {_shown(one)}."
        problems.append(Problem("wrong_type", message, field))
        return None
    reader = _Declaration(one)
    parameter = reader.read()
    problems += [problem.under(field) for problem in reader.problems]
    return None if reader.problems else parameter


class _Declaration:
    """Reads one declaration, collecting all that is wrong with it."""

    def __init__(self, told: Mapping[object, object]) -> None:
        self._told = told
        self.problems: list[Problem] = []

    def read(self) -> Parameter:
        self._check_keys()
        kind = self._type()
        bare = Parameter(self._name(), kind, self._title(), None, self._required(), self._choices(kind))
        return Parameter(bare.name, kind, bare.title, self._default(bare), bare.required, bare.choices)

    def _wrong(self, code: str, message: str, key: str, hint: str = "") -> None:
        self.problems.append(Problem(code, message, key, hint))

    def _check_keys(self) -> None:
        for key in [str(key) for key in self._told if key not in KEYS][:PROBLEMS_LIMIT]:
            message = f"A parameter has no {_shown(key)}."
            self.problems.append(Problem("unknown_key", message, None, did_you_mean(key[:100], KEYS)))

    def _name(self) -> str:
        name = self._told.get("name")
        if name is None:
            self._wrong("required", "A parameter needs a name.", "name")
        elif not isinstance(name, str) or not NAME.fullmatch(name):
            self._wrong("bad_name", f"A parameter cannot be named {_shown(name)}.", "name", NAME_HINT)
        else:
            return name
        return ""

    def _type(self) -> ParameterType:
        kind = self._told.get("type", ParameterType.STRING.value)
        if not isinstance(kind, str):
            self._wrong("wrong_type", f"A parameter's type is a word, not {_shown(kind)}.", "type")
            return ParameterType.STRING
        try:
            return ParameterType(kind)
        except ParameterProblems as found:
            self.problems += found.problems
            return ParameterType.STRING

    def _title(self) -> str:
        title = self._told.get("title")
        if title is None:
            return ""
        if isinstance(title, str) and len(title) <= TITLE_LIMIT and title.isprintable():
            return title
        self._wrong("bad_title", f"A title is one line of at most {TITLE_LIMIT} characters.", "title")
        return ""

    def _required(self) -> bool:
        required = self._told.get("required", False)
        if isinstance(required, bool):
            return required
        self._wrong("wrong_type", f'"required" is true or false, not {_shown(required)}.', "required")
        return False

    def _choices(self, kind: ParameterType) -> tuple[str, ...]:
        choices = self._told.get("choices") or ()
        if not isinstance(choices, list | tuple) or not all(_may_be_choice(one) for one in choices):
            self._wrong("bad_choices", "The choices are a list of texts, none of them empty.", "choices")
        elif kind == ParameterType.CHOICE and not choices:
            self._wrong("required", "A Choice needs the list of its choices.", "choices")
        elif kind != ParameterType.CHOICE and choices:
            self._wrong("bad_choices", f'Only a Choice has choices; this is "{kind}".', "choices")
        elif len(set(choices)) < len(choices) or len(choices) > CHOICES_LIMIT:
            message = f"The choices must differ from each other and be at most {CHOICES_LIMIT}."
            self._wrong("bad_choices", message, "choices")
        else:
            return tuple(choices)
        return ()

    def _default(self, parameter: Parameter) -> str | None:
        default = self._told.get("default")
        # With anything else wrong, complaints about the default would mislead.
        if default is None or self.problems:
            return None
        if parameter.type == ParameterType.SECRET and default != "":
            self._wrong("secret_default", "A Secret has no default: all who see the type would see it.", "default")
            return None
        try:
            return _canonical(parameter, default)
        except _Wrong as wrong:
            self.problems.append(wrong.problem("default"))
            return None


def _may_be_choice(value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    try:
        _text(Parameter("choice", ParameterType.STRING), value)
    except _Wrong:
        return False
    return True


def _twins(declared: Sequence[Parameter | None], field: str) -> list[Problem]:
    seen: dict[str, Parameter] = {}
    problems = []
    for number, parameter in enumerate(declared):
        if parameter is None:
            continue
        other = seen.setdefault(parameter.name.lower(), parameter)
        if other is not parameter:
            problems.append(_twin(parameter.name, other.name, f"{field}[{number}].name"))
    return problems


def _twin(name: str, other: str, field: str) -> Problem:
    if name == other:
        return Problem("duplicate_name", f'There are two parameters "{name}".', field)
    message = f'Parameters "{other}" and "{name}" differ only by case, so people would take one for the other.'
    return Problem("duplicate_name", message, field)
