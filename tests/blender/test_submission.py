"""A scene is handed over as one file and one request, and a repeat is not taken twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchyard_blender.addresses import Address
from batchyard_blender.failures import Failure
from batchyard_blender.frames import Span
from batchyard_blender.session import Session
from batchyard_blender.site import Site
from batchyard_blender.submission import PARAMETERS, Order, submit
from tests.clients.test_faults import Reply, Server, problem, serving

DECLARED = [{"name": name, "type": kind} for name, kind in PARAMETERS.items()]
NOT_THERE = Reply(404, body=problem(code="not_found", message="There is no directory."))


def said(told: Any, *, status: int = 200) -> Reply:
    return Reply(status, body=json.dumps(told).encode())


TYPE = said({"params": DECLARED})
QUEUES = said({"results": [{"name": "nightly"}], "next": None})
KEPT = said({"path": "blender/x/cat.blend"}, status=201)
TAKEN = said({"ids": [1, 2]}, status=201)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "cat.blend"
    path.write_bytes(b"BLENDER" * 1000)
    return path


def order(scene: Path, **told: Any) -> Order:
    given = {"queue": "nightly", "type": "blender-frames", "span": Span(1, 3), "chunk": 2, "ending": ".png"}
    return Order(file=scene, **{**given, **told})


def submitted(server: Server, asked: Order) -> list[int]:
    return submit(Site(Address(server.url, "t")), asked, key="0123456789", tell=str)


def bodies(server: Server) -> Iterator[Any]:
    for asked in server.asked:
        if asked.path.endswith("/jobs/bulk"):
            yield json.loads(asked.body)


def test_all_frames_are_submitted_in_one_request(scene: Path) -> None:
    with serving(TYPE, QUEUES, NOT_THERE, KEPT, TAKEN) as server:
        ids = submitted(server, order(scene))

    [body] = bodies(server)
    assert ids == [1, 2]
    assert [job["params"]["frames"] for job in body["jobs"]] == [
        "blender/x/01234567/0001-0002.tar",
        "blender/x/01234567/0003.png",
    ]
    assert body["jobs"][0]["params"]["scene"] == "blender/x/cat.blend"
    assert server.asked[-1].headers["Idempotency-Key"] == "0123456789"


def test_the_scene_is_sent_as_it_is(scene: Path) -> None:
    with serving(TYPE, QUEUES, NOT_THERE, KEPT, TAKEN) as server:
        submitted(server, order(scene))

    [sent] = [asked.body for asked in server.asked if asked.method == "POST" and asked.path.endswith("/files")]
    assert scene.read_bytes() in sent
    assert b'filename="cat.blend"' in sent


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([said({"results": [{"name": "cat.blend", "size": 7000}]})], id="as one can see"),
        pytest.param(
            [
                Reply(403, body=problem(code="permission_denied")),
                Reply(409, body=problem(code="exists", message="There is a file already.")),
            ],
            id="as the site says",
        ),
    ],
)
def test_a_scene_that_is_there_is_used(scene: Path, replies: list[Reply]) -> None:
    with serving(TYPE, QUEUES, *replies, TAKEN) as server:
        submitted(server, order(scene))

    [body] = bodies(server)
    assert body["jobs"][0]["params"]["scene"].startswith("blender/")
    assert body["jobs"][0]["params"]["scene"].endswith("/cat.blend")


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        pytest.param(
            [Reply(404, body=problem(code="not_found", hint='Did you mean "blender-frames"?'))],
            'no job type "blender-frames". Did you mean',
            id="no type",
        ),
        pytest.param([said({"params": DECLARED[1:]})], 'it has no InputFile "scene"', id="another type"),
        pytest.param(
            [TYPE, said({"results": [{"name": "nightlies"}], "next": None}), said({"superuser": True})],
            'no queue "nightly". Did you mean "nightlies"?',
            id="no queue",
        ),
    ],
)
def test_nothing_is_sent_where_it_cannot_be_rendered(scene: Path, replies: list[Reply], told: str) -> None:
    with serving(*replies) as server, pytest.raises(Failure) as refused:
        submitted(server, order(scene))

    assert told in str(refused.value)
    assert [asked for asked in server.asked if asked.method == "POST"] == []


def test_who_may_not_see_a_queue_may_submit_to_it(scene: Path) -> None:
    unseen = [said({"results": [], "next": None}), said({"superuser": False})]
    with serving(TYPE, *unseen, NOT_THERE, KEPT, TAKEN) as server:
        assert submitted(server, order(scene)) == [1, 2]


def test_a_scene_that_went_away_is_named(scene: Path) -> None:
    asked = order(scene)
    scene.unlink()

    with serving(TYPE, QUEUES, NOT_THERE) as server, pytest.raises(Failure, match=r"Cannot read .*cat\.blend"):
        submitted(server, asked)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"queue": ""}, "No queue is chosen"), ({"type": ""}, "No job type is chosen")],
    ids=["queue", "type"],
)
def test_what_is_not_chosen_is_named(scene: Path, given: dict[str, str], told: str) -> None:
    with serving(TYPE, QUEUES) as server, pytest.raises(Failure, match=told):
        submitted(server, order(scene, **given))


def test_a_submission_of_which_nobody_knows_keeps_its_key(scene: Path) -> None:
    session = Session()

    key = session.key_for(order(scene))

    assert session.key_for(order(scene)) == key
    assert session.key_for(order(scene, chunk=3)) != key


def test_once_it_was_taken_the_same_is_another_submission(scene: Path) -> None:
    session = Session()
    key = session.key_for(order(scene))

    session.settle()

    assert session.key_for(order(scene)) != key
