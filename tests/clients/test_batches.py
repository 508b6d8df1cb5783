from __future__ import annotations

from typing import Any

import pytest

from yard.batches import read_jobs
from yard.failures import Usage

DEFAULTS = {"queue": "default", "type": "render", "params": {"scene": "cat"}}


def read(text: str) -> list[dict[str, Any]]:
    return read_jobs(text, source="jobs", defaults=DEFAULTS)


def test_columns_that_are_no_field_are_parameters() -> None:
    jobs = read('queue,priority,held,frame,params.notes,notes\nnightly,5,yes,17,"a, b",\n,,,18,,hm\n')

    first = {"queue": "nightly", "type": "render", "priority": 5, "held": True}
    assert jobs == [
        {**first, "params": {"scene": "cat", "frame": "17", "notes": "a, b"}},
        {"queue": "default", "type": "render", "notes": "hm", "params": {"scene": "cat", "frame": "18"}},
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"params": {"frame": 1}}\n\n{"queue": "q", "params": {"scene": "a\u2028b"}}\n', id="lines"),
        pytest.param('[{"params": {"frame": 1}}, {"queue": "q", "params": {"scene": "a\u2028b"}}]', id="a list"),
    ],
)
def test_jobs_as_json(text: str) -> None:
    assert read(text) == [
        {"queue": "default", "type": "render", "params": {"scene": "cat", "frame": 1}},
        {"queue": "q", "type": "render", "params": {"scene": "a\u2028b"}},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "holds no job", id="empty"),
        pytest.param("frame\n", "holds no job", id="a header alone"),
        pytest.param("a,a\n1,2\n", 'two columns "a"', id="twice"),
        pytest.param("a,b\n1\n", "jobs:2 has fewer cells", id="too few"),
        pytest.param("a,b\n1,2,3\n", "jobs:2 has more cells", id="too many"),
        pytest.param("priority\nhigh\n", "jobs:2: 'high' is no priority", id="priority"),
        pytest.param("held\nmaybe\n", "jobs:2: 'maybe' is neither", id="held"),
        pytest.param('a\n"b\n', "is not CSV", id="open quote"),
        pytest.param('{"queue": "a"}\n{"quene": "b"}\n', 'jobs:2: a job has no "quene".*mean "queue"', id="key"),
        pytest.param('{"queue": "a"}\n{"queue"\n', "jobs:2 is not JSON", id="cut off"),
        pytest.param('{"params": 5}', '"params" is not an object', id="params"),
        pytest.param("[5]", r"jobs\[0\] is not an object", id="number"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(Usage, match=message):
        read(text)
