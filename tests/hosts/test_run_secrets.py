"""Secrets of runs: files of their own on the host, for as long as the command lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.supervisor.records import EndKind, LaunchKind, RunRequest, Script
from tests.hosts.site import Site, run_of, wait_until

SECRET = 'it\'s "a" $secret `with` \\ all\nthat shells ünderstand\n'


def place_of(site: Site, name: str) -> Path:
    return site.directory / "runs" / name / "secrets"


def test_a_run_finds_its_secrets_as_files_of_its_account_alone(site: Site) -> None:
    place = place_of(site, "one")
    text = 'cd "$BY_place" && stat -c %a . password token && cat password && cat token'

    site.launch(
        run_of("one", text, environment={"BY_place": str(place)}, secrets={"password": SECRET, "token": "t" * 9000})
    )
    site.ended("one")

    assert Path(site.supervisor.stdout_path("one")).read_text() == f"700\n600\n600\n{SECRET}{'t' * 9000}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("exit 3", EndKind.EXITED, id="exited"),
        pytest.param("kill -9 $$", EndKind.SIGNALLED, id="signalled"),
        pytest.param("rm -f ../runs/away/run; exit 1", EndKind.EXITED, id="without a record"),
    ],
)
def test_they_are_gone_when_it_has_ended(site: Site, text: str, kind: EndKind) -> None:
    site.launch(run_of("away", text, directory=str(site.directory / "runs"), secrets={"password": SECRET}))

    assert site.ended("away").kind == kind
    assert not place_of(site, "away").exists()


def test_they_are_gone_after_a_kill(site: Site) -> None:
    site.launch(run_of("killed", "sleep 600", secrets={"password": SECRET}))
    wait_until((place_of(site, "killed") / "password").exists, what="the secret is there")

    site.supervisor.kill(["killed"], grace=None)

    site.ended("killed")
    assert not place_of(site, "killed").exists()


def test_they_are_gone_where_the_command_could_not_be_started(site: Site) -> None:
    request = RunRequest("refused", script=Script("true", interpreter="no-such-program"), secrets={"password": SECRET})

    site.launch(request)

    assert site.ended("refused").kind == EndKind.REFUSED
    assert not place_of(site, "refused").exists()


def test_no_program_has_them_as_arguments_or_environment(site: Site) -> None:
    canary = "canary-5f1c2b7d"
    text = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c 5f1c[2]b7d; sleep 0.2"

    site.launch(run_of("seen", text, secrets={"password": canary}))
    site.ended("seen")

    assert Path(site.supervisor.stdout_path("seen")).read_text() == "0\n"


def test_a_second_launch_brings_nothing_back(site: Site) -> None:
    request = run_of("again", "true", secrets={"password": SECRET})
    site.launch(request)
    site.ended("again")

    answers = site.launch(request)

    assert answers == [LaunchKind.DUPLICATE]
    assert not place_of(site, "again").exists()


@pytest.mark.parametrize(
    "secrets",
    [
        pytest.param({"../run": "password"}, id="a path"),
        pytest.param({"": "password"}, id="no name"),
        pytest.param({"password": "pass\0word"}, id="NUL"),
    ],
)
def test_what_cannot_be_a_file_is_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        run_of("refused", "true", secrets=secrets)


def test_a_request_does_not_show_them() -> None:
    assert "pass word" not in repr(run_of("shown", "true", secrets={"password": "pass word"}))
