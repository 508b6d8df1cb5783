"""Files that jobs over SSH are given and leave behind, and the keys that open the way there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest
from tests.servers.sshd import Sshd, make_key

pytestmark = pytest.mark.scenario

PASSPHRASE = "open sesame"
TYPE = "loud"
LOUD = {
    "name": TYPE,
    "template": "echo $text $loud; tr a-z A-Z < $text > $loud; exit $code",
    "params": [
        {"name": "text", "type": "InputFile"},
        {"name": "loud", "type": "OutputFile"},
        {"name": "code", "type": "Int", "default": "0"},
    ],
}


@pytest.fixture
def files(shared_site: SiteUnderTest, tmp_path: Path) -> Path:
    """A directory of the test's own beneath the site's file root; the type that makes files loud is there."""
    if shared_site.call("GET", f"job-types/{TYPE}").status == 404:
        shared_site.post("job-types", LOUD)
    directory = shared_site.directory / "var" / "files" / tmp_path.name
    directory.mkdir(parents=True)
    (directory / "in.txt").write_text("a quiet word\n")
    return directory


def run_loud(site: SiteUnderTest, files: Path, *, host: str, **params: str) -> Any:
    """The job once it has ended: it makes `in.txt` loud in `out/loud.txt`."""
    told = {"text": f"{files.name}/in.txt", "loud": f"{files.name}/out/loud.txt", **params}
    job = site.post("jobs", {"queue": "default", "type": TYPE, "host": host, "params": told})
    [ended] = site.finished([job["id"]], seconds=30)
    return ended


@pytest.mark.meets("BD-41")
def test_files_go_there_and_back_and_the_command_sees_their_places_there(
    shared_site: SiteUnderTest, files: Path
) -> None:
    job = run_loud(shared_site, files, host="far")

    assert job["state"] == "succeeded"
    assert (files / "out" / "loud.txt").read_text() == "A QUIET WORD\n"
    seen = [Path(name) for name in shared_site.output(job["id"]).decode().split()]
    assert [path.name for path in seen] == ["in.txt", "loud.txt"]
    assert not any(path.is_relative_to(files) for path in seen)


@pytest.mark.meets("BD-41")
def test_a_command_that_fails_still_leaves_its_files(shared_site: SiteUnderTest, files: Path) -> None:
    job = run_loud(shared_site, files, host="far", code="7")

    assert (job["state"], job["exit_code"], job["attempts"][0]["outcome"]) == ("failed", 7, "exited")
    assert (files / "out" / "loud.txt").read_text() == "A QUIET WORD\n"


@pytest.mark.meets("BD-41")
def test_a_file_that_cannot_be_brought_fails_the_job_before_it_runs(shared_site: SiteUnderTest, files: Path) -> None:
    job = run_loud(shared_site, files, host="far", text=f"{files.name}/absent.txt")

    assert (job["state"], job["attempts"][0]["outcome"]) == ("failed", "stage_failed")
    assert "absent.txt" in job["reason"]
    assert shared_site.output(job["id"]) == b""


@pytest.mark.meets("BD-41")
@pytest.mark.parametrize(("host", "name"), [("localhost", "out"), ("far", "loud.txt")])
def test_a_file_that_cannot_be_kept_here_fails_the_job_and_not_the_host(
    shared_site: SiteUnderTest, files: Path, host: str, name: str
) -> None:
    (files / "out").write_text("a file where a directory has to be\n")

    job = run_loud(shared_site, files, host=host)

    assert (job["state"], job["attempts"][0]["outcome"]) == ("failed", "stage_failed")
    assert name in job["reason"]
    assert shared_site.get(f"hosts/{host}")["state"] == "on"


@pytest.mark.meets("BD-41")
def test_on_this_machine_the_files_are_used_where_they_are(shared_site: SiteUnderTest, files: Path) -> None:
    job = run_loud(shared_site, files, host="localhost")

    assert job["state"] == "succeeded", job["reason"]
    assert shared_site.output(job["id"]).decode().split() == [str(files / "in.txt"), str(files / "out" / "loud.txt")]
    assert (files / "out" / "loud.txt").read_text() == "A QUIET WORD\n"


@pytest.mark.meets("BD-41")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_a_command_that_succeeds_without_its_output_file_has_failed(
    shared_site: SiteUnderTest, files: Path, host: str
) -> None:
    params = {"loud": f"{files.name}/never.txt"}
    shared_site.post("job-types", {"name": f"lazy-{host}", "template": "true $loud", "params": LOUD["params"]})

    job = shared_site.post("jobs", {"queue": "default", "type": f"lazy-{host}", "host": host, "params": params})
    [ended] = shared_site.finished([job["id"]], seconds=30)

    assert (ended["state"], ended["attempts"][0]["outcome"], ended["exit_code"]) == ("failed", "stage_failed", 0)
    assert ended["reason"] == "Output file never.txt was not written by the command."


@pytest.mark.meets("BD-41")
def test_a_key_with_a_passphrase_opens_a_host(
    shared_site: SiteUnderTest, shared_sshd: Sshd, tmp_path: Path, files: Path
) -> None:
    key, keys = make_key(tmp_path / "key", kind="ed25519", passphrase=PASSPHRASE), shared_site.directory / "var/keys"
    with (shared_sshd.directory / "authorized_keys").open("a") as accepted:
        accepted.write(Path(f"{key}.pub").read_text())
    shutil.copyfile(key, keys / "shut")
    (keys / "shut.passphrase").write_text(f"{PASSPHRASE}\n")
    for name in ("shut", "shut.passphrase"):
        (keys / name).chmod(0o600)
    add_ssh_host(shared_site, shared_sshd, name="behind-a-passphrase", key="shut")

    job = run_loud(shared_site, files, host="behind-a-passphrase")

    assert job["state"] == "succeeded"
    assert (files / "out" / "loud.txt").read_text() == "A QUIET WORD\n"
