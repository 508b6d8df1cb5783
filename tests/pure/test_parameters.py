from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.parameters import (
    TOTAL_LIMIT_BYTES,
    VARIABLE_LIMIT_BYTES,
    Parameter,
    ParameterProblems,
    ParameterType,
    declare,
    to_json,
    validate,
)
from jobs.problems import Problem

SCENE = Parameter("scene", ParameterType.STRING)
FRAME = Parameter("frame", ParameterType.INT)
DRAFT = Parameter("draft", ParameterType.BOOLEAN)
FORMAT = Parameter("format", ParameterType.CHOICE, choices=("png", "exr"))
SOURCE = Parameter("source", ParameterType.INPUT_FILE, required=True)


def problems_of(parameter: Parameter, value: object) -> tuple[Problem, ...]:
    with pytest.raises(ParameterProblems) as refused:
        validate([parameter], {parameter.name: value})
    return refused.value.problems


def declaration_problems(*declarations: object) -> list[tuple[str, str | None]]:
    with pytest.raises(ParameterProblems) as refused:
        declare(list(declarations))
    return [(problem.code, problem.field) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("parameter", "given_value", "canonical"),
    [
        pytest.param(SCENE, "a; rm -rf /", "a; rm -rf /", id="text as it is"),
        pytest.param(SCENE, "", "", id="empty text"),
        pytest.param(
            SCENE, "a\nb\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a\nb😀", id="emoji"
        ),
        pytest.param(FRAME, 5, "5", id="number"),
        pytest.param(FRAME, "-5", "-5", id="digits"),
        pytest.param(FRAME, "-0", "0", id="minus zero"),
        pytest.param(FRAME, 0, "0", id="zero"),
        pytest.param(FRAME, 2**63 - 1, "9223372036854775807", id="largest"),
        pytest.param(FRAME, "-9223372036854775808", "-9223372036854775808", id="smallest"),
        pytest.param(FRAME, "", "", id="no number"),
        pytest.param(DRAFT, True, "true", id="true"),
        pytest.param(DRAFT, "false", "false", id="false as a word"),
        pytest.param(FORMAT, "exr", "exr", id="choice"),
        pytest.param(SOURCE, "/data/a b.blend", "/data/a b.blend", id="path"),
        pytest.param(SOURCE, "..a/b..", "..a/b..", id="dots in names"),
    ],
)
def test_a_good_value_has_one_form(parameter: Parameter, given_value: object, canonical: str) -> None:
    assert validate([parameter], {parameter.name: given_value}) == {parameter.name: canonical}


@pytest.mark.meets("BD-29")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=repr(value)[:20])
        for value in ("5.0", " 5 ", "0x10", "1_0", "१२", "+5", "010", "1e3", "NaN", "5\n", "--5", "-", "9" * 5000)
    ]
    + [pytest.param(value, id=repr(value)) for value in (True, 5.0, None, [5], {"a": 5})],
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    (problem,) = problems_of(FRAME, value)

    assert problem.code == "wrong_type"
    assert problem.field == "params.frame"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(2**63, id="2^63"),
        pytest.param(-(2**63) - 1, id="below -2^63"),
        pytest.param(10**5000, id="5000 digits"),
        pytest.param("9223372036854775808", id="2^63 as text"),
    ],
)
def test_a_number_out_of_range_is_refused(value: object) -> None:
    assert [problem.code for problem in problems_of(FRAME, value)] == ["out_of_range"]


@pytest.mark.parametrize("parameter", [SCENE, FRAME, DRAFT, FORMAT, SOURCE], ids=lambda one: one.type.value)
@pytest.mark.parametrize("value", [None, [], {}, 1.5, ["a"]], ids=repr)
def test_a_value_of_a_wrong_json_type_is_refused_by_name(parameter: Parameter, value: object) -> None:
    (problem,) = problems_of(parameter, value)

    assert (problem.code, problem.field) == ("wrong_type", f"params.{parameter.name}")
    assert f'"{parameter.name}"' in problem.message


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        pytest.param(SCENE, "a\0b", "bad_character", id="NUL"),
        pytest.param(SCENE, "a\ud800", "bad_character", id="lone surrogate"),
        pytest.param(DRAFT, "True", "wrong_type", id="capital True"),
        pytest.param(DRAFT, 1, "wrong_type", id="1 for true"),
        pytest.param(FORMAT, "PNG", "not_a_choice", id="choice in other case"),
        pytest.param(FORMAT, "\ud800", "bad_character", id="surrogate as choice"),
        pytest.param(SOURCE, "a\nb", "bad_path", id="line break in a path"),
        pytest.param(SOURCE, "../etc/passwd", "bad_path", id="path that goes up"),
        pytest.param(SOURCE, "/data/a/../../b", "bad_path", id="absolute path that goes up"),
        pytest.param(SOURCE, "", "required", id="empty required path"),
    ],
)
def test_an_impossible_value_is_refused(parameter: Parameter, value: object, code: str) -> None:
    (problem,) = problems_of(parameter, value)

    assert (problem.code, problem.field) == (code, f"params.{parameter.name}")
    str(problem).encode()


def test_a_value_may_be_as_long_as_a_variable_of_linux() -> None:
    most_bytes = VARIABLE_LIMIT_BYTES - len("BY_scene=") - 1

    assert validate([SCENE], {"scene": "ä" * (most_bytes // 2)})
    (problem,) = problems_of(SCENE, "ä" * (most_bytes // 2 + 1))
    assert problem.code == "too_long"
    assert f"{most_bytes} are possible" in problem.message


def test_all_values_together_have_a_limit() -> None:
    many = [Parameter(f"p{number}", ParameterType.STRING) for number in range(11)]

    with pytest.raises(ParameterProblems, match=f"{TOTAL_LIMIT_BYTES} are possible"):
        validate(many, {parameter.name: "x" * 100_000 for parameter in many})


@pytest.mark.meets("BD-29")
def test_a_missing_value_is_the_default_then_empty() -> None:
    shaded = Parameter("shaded", ParameterType.STRING, default="yes")

    assert validate([shaded, SCENE, FRAME], {}) == {"shaded": "yes", "scene": "", "frame": ""}


def test_an_empty_text_means_not_given_where_it_can_mean_nothing_else() -> None:
    speed = Parameter("speed", ParameterType.INT, default="3", required=True)
    title = Parameter("title", ParameterType.STRING, default="none")

    assert validate([speed, title], {"speed": "", "title": ""}) == {"speed": "3", "title": ""}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ParameterProblems) as refused:
        validate([SCENE, FRAME, SOURCE], {"scen": "a", "frame": "x"})

    told = {problem.field: (problem.code, problem.hint) for problem in refused.value.problems}
    assert told["params.scen"] == ("unknown_parameter", 'Did you mean "scene"?')
    assert told["params.frame"][0] == "wrong_type"
    assert told["params.source"][0] == "required"
    assert "There is no parameter 'scen'. Did you mean \"scene\"?" in str(refused.value)


@pytest.mark.meets("BD-29")
@pytest.mark.parametrize(
    "name", ["", "\ud800", "a\nb", "x" * 10_000, "scene ", "__proto__"], ids=lambda name: ascii(name)[:12]
)
def test_an_undeclared_name_is_refused_in_words_that_can_be_sent(name: str) -> None:
    with pytest.raises(ParameterProblems) as refused:
        validate([SCENE], {name: "a"})

    (problem,) = refused.value.problems
    assert problem.code == "unknown_parameter"
    assert len(f"{problem} {problem.field}".encode()) < 500


def test_ten_thousand_undeclared_names_are_told_briefly() -> None:
    with pytest.raises(ParameterProblems) as refused:
        validate([SCENE], {f"x{number}": "" for number in range(10_000)})

    assert len(refused.value.problems) == 100


GOOD_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "scene": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        "frame": st.integers(-(2**63), 2**63 - 1) | st.integers(-99, 99).map(str) | st.just(""),
        "draft": st.booleans() | st.sampled_from(["true", "false", ""]),
        "format": st.sampled_from(["png", "exr", ""]),
        "source": st.text("ab./ $", max_size=8).filter(lambda path: ".." not in path),
    },
)


# Building Hypothesis's table of characters takes seconds once, on a machine that has never done it.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(GOOD_VALUES)
def test_the_canonical_form_of_a_canonical_form_is_itself(values: dict[str, object]) -> None:
    declared = [SCENE, FRAME, DRAFT, FORMAT, Parameter("source", ParameterType.INPUT_FILE)]

    canonical = validate(declared, values)

    assert set(canonical) == {"scene", "frame", "draft", "format", "source"}
    assert validate(declared, canonical) == canonical


def test_a_declaration_survives_json() -> None:
    declared = declare(
        [
            {"name": "scene", "type": "InputFile", "required": True},
            {"name": "frame", "type": "Integer", "title": "First frame", "default": 5},
            {"name": "draft", "type": "Boolean", "default": True},
            {"name": "format", "type": "Choice", "choices": ["png", "exr"], "default": "png"},
        ]
    )

    assert [parameter.default for parameter in declared] == [None, "5", "true", "png"]
    assert declared[0] == Parameter("scene", ParameterType.INPUT_FILE, "scene", None, True)
    assert declared[1].type is ParameterType.INT
    assert declare(to_json(declared)) == declared


@pytest.mark.parametrize(
    ("declaration", "code", "field"),
    [
        pytest.param("scene", "wrong_type", "params[0]", id="no object"),
        pytest.param({}, "required", "params[0].name", id="no name"),
        pytest.param({"name": "a b"}, "bad_name", "params[0].name", id="blank in the name"),
        pytest.param({"name": "1a"}, "bad_name", "params[0].name", id="leading digit"),
        pytest.param({"name": "a\n"}, "bad_name", "params[0].name", id="line break after the name"),
        pytest.param({"name": "é"}, "bad_name", "params[0].name", id="accent"),
        pytest.param({"name": "x" * 65}, "bad_name", "params[0].name", id="long name"),
        pytest.param({"name": 5}, "bad_name", "params[0].name", id="number as name"),
        pytest.param({"name": "a", "type": "Strin"}, "unknown_type", "params[0].type", id="unknown type"),
        pytest.param({"name": "a", "type": 1}, "wrong_type", "params[0].type", id="number as type"),
        pytest.param({"name": "a", "title": "x" * 201}, "bad_title", "params[0].title", id="long title"),
        pytest.param({"name": "a", "required": "yes"}, "wrong_type", "params[0].required", id="word for required"),
        pytest.param({"name": "a", "requird": True}, "unknown_key", "params[0]", id="unknown key"),
        pytest.param({"name": "a", "type": "Int", "default": "x"}, "wrong_type", "params[0].default", id="default"),
        pytest.param({"name": "a", "type": "Choice"}, "required", "params[0].choices", id="no choices"),
        pytest.param({"name": "a", "choices": ["b"]}, "bad_choices", "params[0].choices", id="choices of a text"),
        pytest.param(
            {"name": "a", "type": "Choice", "choices": ["b", "b"]}, "bad_choices", "params[0].choices", id="twins"
        ),
        pytest.param(
            {"name": "a", "type": "Choice", "choices": ["b", 1]}, "bad_choices", "params[0].choices", id="number"
        ),
        pytest.param({"name": "a", "type": "Choice", "choices": "bc"}, "bad_choices", "params[0].choices", id="text"),
        pytest.param(
            {"name": "a", "type": "Choice", "choices": ["b"], "default": "c"},
            "not_a_choice", "params[0].default", id="default is no choice",
        ),
    ],
)  # fmt: skip
def test_an_impossible_declaration_is_refused(declaration: object, code: str, field: str) -> None:
    assert declaration_problems(declaration) == [(code, field)]


def test_names_that_differ_only_by_case_are_refused_with_the_reason() -> None:
    with pytest.raises(ParameterProblems, match='"scene" and "Scene" differ only by case, so people'):
        declare([{"name": "scene"}, {"name": "Scene"}])


def test_a_name_is_declared_once() -> None:
    assert declaration_problems({"name": "a"}, {"name": "b"}, {"name": "a"}) == [("duplicate_name", "params[2].name")]


@pytest.mark.parametrize("declarations", [None, "scene", {"name": "scene"}, 5], ids=repr)
def test_declarations_are_a_list(declarations: object) -> None:
    with pytest.raises(ParameterProblems, match="must be a list"):
        declare(declarations)


def test_ten_thousand_parameters_are_refused() -> None:
    with pytest.raises(ParameterProblems, match="too many"):
        declare([{"name": f"p{number}"} for number in range(10_000)])


def test_an_unknown_type_is_answered_with_the_nearest() -> None:
    with pytest.raises(ParameterProblems, match='Did you mean "InputFile"'):
        ParameterType("Inputfile")
