"""Blender itself, with the add-on as people install it: a scene goes to a queue and comes back as pictures."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenarios.site import ROOT, SiteUnderTest, free_port
from tests.servers.parts import program

pytestmark = pytest.mark.scenario

TYPE = yaml.safe_load((ROOT / "clients" / "blender" / "blender-frames.yaml").read_text())


@dataclass
class Artist:
    """Somebody with Blender and a directory of their own."""

    home: Path
    told: dict[str, Any]

    @property
    def file(self) -> Path:
        return self.home / "cat.blend"

    @property
    def pictures(self) -> list[Path]:
        return sorted((self.home / "pictures").iterdir())

    def opens_blender(self, act: str, *words: str) -> Any:
        """What `act` of blender_session.py leaves behind."""
        answer, sheet = self.home / f"{act}.json", self.home / "told.json"
        sheet.write_text(json.dumps({**self.told, "file": str(self.file), "answer": str(answer)}))
        script = str(Path(__file__).with_name("blender_session.py"))
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"], "BLENDER_USER_SCRIPTS": str(self.home / "own")}
        done = subprocess.run(
            [program("blender"), "--background", "--factory-startup", *words, "--python", script, "--", act, sheet],
            env=variables, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert answer.exists(), done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return json.loads(answer.read_text())


@pytest.fixture(scope="module")
def artist(shared_site: SiteUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Artist:
    """Knows the site, which has the job type."""
    home = tmp_path_factory.mktemp("artist")
    if shared_site.call("GET", f"job-types/{TYPE['name']}").status == 404:
        shared_site.post("job-types", TYPE)
    shared_site.post("queues", {"name": "resting", "enabled": False})
    old = shared_site.post("tokens", {"name": "old"})
    assert shared_site.call("DELETE", f"tokens/{old['key']}").status == 204
    subprocess.run([str(ROOT / "scripts" / "blender-addon"), str(home / "addon.zip")], check=True)
    return Artist(
        home,
        {
            "zip": str(home / "addon.zip"), "url": f"http://127.0.0.1:{shared_site.port}", "token": shared_site.token,
            "nowhere": f"http://127.0.0.1:{free_port()}", "old_token": old["token"],
            "texture": str(home / "wood.png"), "resting": "resting",
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def submitted(artist: Artist) -> Any:
    """What Blender showed before it was closed: three frames were submitted, two to a job."""
    return artist.opens_blender("first")


@pytest.fixture(scope="module")
def fetched(artist: Artist, shared_site: SiteUnderTest, submitted: Any) -> Any:
    """What Blender showed when it was opened again, after the jobs had ended."""
    jobs = shared_site.finished([row[0] for row in submitted["rows"]], seconds=60)
    assert {job["state"] for job in jobs} == {"succeeded"}, [
        (job["reason"], shared_site.output(job["id"])[-2000:]) for job in jobs
    ]
    return artist.opens_blender("later", str(artist.file))


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("never saved", ["never been saved", "File > Save"]),
        ("no range", ["no frame range", "the first frame, 7, is behind the last, 3", "Output Properties"]),
        ("a film", ["FFMPEG, makes one film", "such as PNG"]),
        ("not packed", ["not packed into it (1)", "wood.png", '"Pack and Save"']),
        ("no site", ["Cannot reach http://127.0.0.1:", "Connection refused", "Preferences > Add-ons > Batchyard"]),
        ("no URL", ['"batchyard.example.org" is not the URL of a site', "like https://"]),
        ("old token", ["http://127.0.0.1:", "Make a new token at http", "/accounts/tokens/"]),
        ("no queue", ['no queue "defualt"', 'Did you mean "default"?']),
        ("no type", ['no job type "blender-frame"', 'Did you mean "blender-frames"?', "docs/howto/blender.md"]),
        ("another type", ['"command" does not take frames', 'InputFile "scene"']),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_submitted_is_named_with_what_helps(submitted: Any, case: str, told: list[str]) -> None:
    assert [words for words in told if words not in submitted["said"][case]] == [], submitted["said"][case]


def test_the_panel_offers_the_queues_and_the_types_that_fit(submitted: Any) -> None:
    assert "default" in submitted["queues"]
    assert submitted["types"] == [TYPE["name"]]


def test_a_scene_is_submitted_as_jobs_of_several_frames(submitted: Any, shared_site: SiteUnderTest) -> None:
    assert [frames for _, frames, _ in submitted["rows"]] == ["3", "1-2"]
    assert submitted["told"] == "2 jobs submitted"
    assert {shared_site.job(number)["notes"] for number, *_ in submitted["rows"]} == {"cat.blend: 3", "cat.blend: 1-2"}


def test_the_scene_is_sent_once(submitted: Any, shared_site: SiteUnderTest) -> None:
    scenes = {shared_site.job(number)["params"]["scene"] for number, *_ in submitted["rows"]}

    assert len(scenes) == 1


def test_the_panel_tells_what_would_be_submitted_and_what_was(submitted: Any) -> None:
    assert {"Frames 1-3 in 3 jobs", "The scene is not saved", "Submit", "Pack and Save"} <= set(submitted["unsaved"])
    assert {"Frames 1-3 in 2 jobs", "2 jobs submitted", "Cancel All", "1-2", "Token"} <= set(submitted["panel"])
    assert "The scene is not saved" not in submitted["panel"]


def test_jobs_are_looked_after_from_time_to_time(submitted: Any) -> None:
    at_once, later = submitted["pauses"]

    assert at_once < 1
    assert later >= 5


def test_a_job_is_cancelled(submitted: Any, shared_site: SiteUnderTest) -> None:
    number, frames, state = submitted["cancelled"]

    assert (frames, state) == ("8", "cancelled")
    assert shared_site.job(number)["state"] == "cancelled"


def test_frames_that_blender_rendered_come_to_where_it_would_have_written_them(fetched: Any, artist: Artist) -> None:
    assert [row[1:] for row in fetched["rows"]] == [["8", "cancelled"], ["3", "succeeded"], ["1-2", "succeeded"]]
    assert fetched["told"] == "3 frames written"
    assert [path.name for path in artist.pictures] == ["cat_0001.png", "cat_0002.png", "cat_0003.png"]
    assert [size_of(path) for path in artist.pictures] == [(32, 24)] * 3


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height that a PNG says it has."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height
