"""Whatever answers at the URL, or does not, is said in words; the token goes nowhere else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchyard_blender import site as site_module
from batchyard_blender.addresses import Address
from batchyard_blender.failures import Failure
from batchyard_blender.site import Site
from tests.clients.test_faults import Reply, problem, serving
from tests.scenarios.site import free_port


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further tries follow at once."""
    monkeypatch.setattr(site_module, "PAUSES", (0.0, 0.0, 0.0))


def at(url: str) -> Site:
    return Site(Address(url, "of-mine"))


def rejected(asked: Callable[[], Any]) -> str:
    with pytest.raises(Failure) as refused:
        asked()
    return str(refused.value)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(Reply(kind="text/html", body=b"<html>"), "200 with text/html; no Batchyard does", id="a page"),
        pytest.param(Reply(404, kind="text/html", body=b"<html>"), "404 without a reason", id="no page"),
        pytest.param(Reply(502, kind="text/html", body=b"<html>"), "out of order (502). Try again", id="502"),
        pytest.param(Reply(body=b'{"results": ['), "damaged JSON", id="half JSON"),
        pytest.param(Reply(400, body=b"[]"), "400 without a reason", id="an error of another shape"),
        pytest.param(Reply(401, body=problem(message="Invalid token.")), "Invalid token. Make a new token", id="401"),
        pytest.param(Reply(403, body=problem(message="Not here.")), "Not here.", id="403"),
        pytest.param(Reply(409, body=problem(message="a\n\x1b[31mb", hint="Do c.")), "a  [31mb Do c.", id="controls"),
        pytest.param(Reply(400, body=problem(field="queue")), "queue: Wrong.", id="a field"),
        pytest.param(Reply(302, headers={"Location": "/login"}), "sends us on to /login", id="elsewhere"),
    ],
)
def test_an_answer_that_is_none_is_told(reply: Reply, told: str) -> None:
    with serving(reply) as server:
        assert told in rejected(lambda: at(server.url).get("queues"))


def test_no_answer_is_told() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    said = rejected(lambda: at(url).get("queues"))

    assert f"Cannot reach {url}: Connection refused." in said
    assert "Preferences > Add-ons > Batchyard" in said


def test_a_site_that_does_not_speak_tls_is_told() -> None:
    with serving(Reply()) as server:
        said = rejected(lambda: at(server.url.replace("http:", "https:")).get("queues"))

    assert "is it http:// that is meant?" in said


def test_a_file_that_holds_no_certificates_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"Cannot use the certificates in .*none\.pem"):
        Site(Address("https://x", "t", str(tmp_path / "none.pem")))


def test_a_token_is_sent_nowhere_else() -> None:
    with serving(Reply()) as other, serving(Reply(307, headers={"Location": f"{other.url}/api/v1/x"})) as server:
        rejected(lambda: at(server.url).get("queues"))

    assert len(server.asked) == 1
    assert other.asked == []


def test_what_may_be_repeated_is_tried_again() -> None:
    busy = Reply(503, body=problem(message="Busy."))
    with serving(busy, busy, Reply(body=b'{"ids": [1]}')) as server:
        answer = at(server.url).post("jobs/bulk", {"jobs": []}, key="k1")

    assert answer == {"ids": [1]}
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == ["k1"] * 3


def test_what_may_not_be_repeated_is_not() -> None:
    with serving(Reply(503, body=problem(message="Busy."))) as server:
        rejected(lambda: at(server.url).post("jobs/7/cancel", {}))

    assert len(server.asked) == 1


def test_pages_are_followed_at_the_same_address() -> None:
    rows = [{"results": [1, 2], "next": "http://elsewhere/?cursor=c%3D2"}, {"results": [3, 4], "next": None}]
    with serving(*(Reply(body=json.dumps(row).encode()) for row in rows)) as server:
        found = list(at(server.url).rows("jobs", limit=3, type="x"))

    assert found == [1, 2, 3]
    assert [asked.path for asked in server.asked] == [
        "/api/v1/jobs?type=x&page_size=3",
        "/api/v1/jobs?type=x&page_size=3&cursor=c%3D2",
    ]


def test_half_a_file_is_not_taken_for_a_whole() -> None:
    with serving(Reply(body=b"half", headers={"Content-Length": "100"})) as server:
        said = rejected(lambda: at(server.url).download("jobs/1/files/frames", io.BytesIO()))

    assert f"The connection to {server.url} broke off." in said
