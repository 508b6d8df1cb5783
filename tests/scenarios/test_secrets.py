"""Canaries: secrets are given to a site of real processes, whose jobs try to leak them; then they are looked for."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psutil
import pytest
import redis
import requests

from tests.scenarios.conftest import running_site
from tests.scenarios.site import ROOT, SiteUnderTest, free_port, until
from tests.servers.parts import program
from tests.servers.postgres import PostgresServer
from tests.servers.sinks import http_sink
from tests.servers.sshd import Sshd, make_key

pytestmark = pytest.mark.scenario

CANARY = "canary/5f1c2b7d it's+here"
NAME = "canaries"
PAGES = """
from django.core.management import call_command
from django.test import Client
from accounts.models import User
client = Client(HTTP_HOST="localhost")
client.force_login(User.objects.get(username="admin"))
for address in %r:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, (address, answer.status_code)
    print(b"".join(answer).decode())
call_command("export_config")
"""
# What is left of the secret in the text of the job itself is nothing: it reads its file.
LEAK = r"""
[ "$(stat -c %a "$secret")" = 600 ] || exit 9
sha256sum <"$secret"
cat "$secret"; echo
value=$(cat "$secret")
half=$((${#value} / 2))
printf %s "$value" | head -c $half; sleep 1.5; printf %s "$value" | tail -c +$((half + 1)); echo
while [ -n "$value" ]; do rest=${value#?}; printf %s "${value%"$rest"}"; value=$rest; sleep 0.05; done; echo
value=$(cat "$secret")
echo "$value" | base64
printf 'user:%s@' "$value" | base64
(set -x; : "$value") 2>&1
python3 - "$secret" <<'END'
import json, sys, urllib.parse
value = open(sys.argv[1]).read()
print(urllib.parse.quote(value), urllib.parse.quote_plus(value), json.dumps(value))
END
env >&2
echo "$value" >&2
i=0; while [ $i -lt 3000 ]; do echo "$i $value"; i=$((i+1)); done
while [ ! -e "$until" ]; do sleep 0.1; done
exit "$code"
"""
PARAMS: list[dict[str, Any]] = [
    {"name": "secret", "type": "Secret", "required": True},
    {"name": "until"},
    {"name": "code", "type": "Int"},
]


def forms_of(secret: str) -> list[bytes]:
    """What must be found nowhere."""
    raw = secret.encode()
    coded = [base64.b64encode(raw)[:-4], base64.b64encode(b"user:" + raw + b"@")[8:-4], raw.hex().encode()]
    return [raw, *coded, quote(secret).encode(), in_address(secret).encode(), secret.replace("'", "'\\''").encode()]


def in_address(secret: str) -> str:
    """As a password in an address."""
    return quote(secret, safe="")


def add_hosts(site: SiteUnderTest, sshd: Sshd, directory: Path) -> str:
    """The host `far`, with a private key of its own. The key."""
    assert site.call("PATCH", "hosts/localhost", {"seats": 4}).status == 200
    key = make_key(directory / "given", kind="ed25519", passphrase=CANARY)
    with (sshd.directory / "authorized_keys").open("a") as accepted:
        accepted.write(Path(f"{key}.pub").read_text())
    told = site.post("hosts", {
        "name": "far", "transport": "ssh", "address": "127.0.0.1", "port": sshd.port, "user": sshd.user, "seats": 4,
        "host_keys": [sshd.host_key_text.strip()], "directory": str(site.directory / "far"),
        "private_key": key.read_text(), "passphrase": CANARY,
    })  # fmt: skip
    assert told["has_private_key"] is True
    return key.read_text()


def add_subscriptions(site: SiteUnderTest, *ports: int) -> None:
    """Somebody is told of failures at these ports, with the secret for a password."""
    for port in ports:
        url = f"json://user:{in_address(CANARY)}@127.0.0.1:{port}/hook"
        site.post("subscriptions", {"name": f"at {port}", "url": url, "events": ["failed"], "only_own": False})


def submit(site: SiteUnderTest, kind: str, *, host: str, code: int = 0, until: str = "/", is_held: bool = False) -> int:
    params = {"secret": CANARY, "until": until, "code": code}
    told = {"queue": "default", "type": kind, "host": host, "params": params, "held": is_held}
    return int(site.post("jobs", told)["id"])


def refusals(site: SiteUnderTest) -> bytes:
    """What is told to those who send the secret in a way that cannot be."""
    job = {"queue": "default", "type": "leak", "params": {"secret": CANARY}}
    wrong: list[tuple[str, Any]] = [
        ("jobs", {**job, "params": {"secret": CANARY, "other": "x"}}),
        ("jobs", {**job, "params": {"secret": [CANARY]}}),
        ("jobs", {**job, "params": {"secret": CANARY + "\0"}}),
        ("jobs", {**job, "queue": "gone"}),
        ("jobs", CANARY),
        ("jobs/bulk", {"jobs": [job, {**job, "priority": "x"}]}),
        ("hosts", {"name": "bad", "address": "127.0.0.1", "user": "x", "private_key": "none", "passphrase": CANARY}),
        ("subscriptions", {"name": "bad", "url": f"nothing://{in_address(CANARY)}@x", "events": ["failed"]}),
        ("subscriptions", {"name": "bad", "url": f"json://u:{in_address(CANARY)}@x", "events": ["never"]}),
        ("job-types", {"name": "bad", "template": "true", "params": [{**PARAMS[0], "default": CANARY}]}),
    ]
    answers = [site.call("POST", path, body) for path, body in wrong]
    assert [answer.status for answer in answers] == [400] * len(wrong), [answer.body for answer in answers]
    return b"".join(answer.body for answer in answers) + _broken(site)


def _broken(site: SiteUnderTest) -> bytes:
    """The same of what is no JSON, and beneath batchd's addresses."""
    headers = {"Authorization": f"Token {site.token}", "Content-Type": "application/json"}
    told = {"type": "leak", "params": {"secret": CANARY, "other": "x"}}
    bodies = {"api/v1/jobs": f'{{"secret": "{CANARY}"', "batchd/queue/default": json.dumps(told)}
    answers = [
        requests.post(f"http://127.0.0.1:{site.port}/{path}", data=body, headers=headers, timeout=20)
        for path, body in bodies.items()
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    return b"".join(answer.content for answer in answers)


def found_in(place: Path, wanted: list[bytes]) -> list[str]:
    """The files beneath `place` that hold any of `wanted`, whatever part of them."""
    files = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path) for path in files if found_in_text(_content(path), wanted)]


def _content(path: Path) -> bytes:
    """Nothing of a file that the site has removed since it was found."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def found_in_text(text: bytes, wanted: list[bytes]) -> list[bytes]:
    """Those of `wanted` that stand in a text."""
    return [each for each in wanted if each in text]


def found_in_processes(wanted: list[bytes]) -> list[str]:
    """Processes of this machine that have any of `wanted` as an argument or in their environment."""
    found = []
    for process in psutil.process_iter():
        for part in ("cmdline", "environ"):
            try:
                data = Path(f"/proc/{process.pid}/{part}").read_bytes()
            except OSError:
                continue
            if any(each in data for each in wanted):
                found.append(f"{process.pid} {part} {data[:200]!r}")
    return found


def told_by_api(site: SiteUnderTest, jobs: list[int]) -> bytes:
    paths = [
        "jobs", "job-types", "job-types/leak", "hosts", "hosts/far", "subscriptions", "audit", "audit/export",
        "audit/export?as=csv",
    ]  # fmt: skip
    paths += [f"subscriptions/{one['id']}/notices" for one in site.get("subscriptions")["results"]]
    paths += [f"jobs/{job}{part}" for job in jobs for part in ("", "/events", "/explain", "/output?stream=both")]
    answers = [site.call("GET", path) for path in paths]
    assert {answer.status for answer in answers} == {200}
    return b"".join(answer.body for answer in answers)


def shown_on_pages(site: SiteUnderTest, jobs: list[int]) -> bytes:
    addresses = [
        "/queues/", "/queues/default/", "/jobs/", "/audit/", "/submit/leak/", "/subscriptions/", "/monitoring/",
        *(f"/admin/{place}/" for place in ("jobs/job", "jobs/subscription", "jobs/notice", "accounts/auditentry")),
        *(f"/admin/hosts/host/{number}/change/" for number in (1, 2)),
    ]  # fmt: skip
    addresses += [f"{begin}{job}{end}" for job in jobs for begin, end in (("/jobs/", "/"), ("/submit/leak/?like=", ""))]
    return site.manage("shell", "-c", PAGES % (addresses,)).encode()


def dumped(site: SiteUnderTest) -> bytes:
    """All that the site's Redis holds, and its PostgreSQL, where that is its database."""
    url = site.environment.get("CELERY_BROKER_URL", "").removeprefix("redis+socket://")
    client: Any = redis.Redis(unix_socket_path=url or str(site.directory / "var" / "broker.sock"))
    told = b"".join(key + client.dump(key) for key in client.keys("*"))
    if "DATABASE_URL" in site.environment:
        place = parse_qs(urlsplit(site.environment["DATABASE_URL"]).query)["host"][0]
        command = [program("pg_dump"), "-h", place, "-U", "postgres", NAME]
        told += subprocess.run(command, check=True, capture_output=True).stdout
    return told


@pytest.fixture(params=["embedded", "site"])
def watched(request: pytest.FixtureRequest) -> Iterator[SiteUnderTest]:
    """A site as `make run` has it, and one on PostgreSQL with a Redis of its own."""
    environment = {"BATCHYARD_NOTIFY_NETWORKS": "127.0.0.1"}
    with ExitStack() as stack:
        if request.param == "site":
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            postgres.create(NAME)
            stack.callback(postgres.drop, NAME)
            url = postgres.url.replace("/postgres?", f"/{NAME}?")
            environment |= {"DATABASE_URL": url, "CELERY_BROKER_URL": request.getfixturevalue("redis_server").url}
        yield stack.enter_context(running_site(**environment))


def test_secrets_are_found_nowhere(watched: SiteUnderTest, shared_sshd: Sshd, tmp_path: Path) -> None:
    site = watched
    key = add_hosts(site, shared_sshd, tmp_path)
    wanted = [*forms_of(CANARY), *(line.encode() for line in key.splitlines()[1:-1])]
    site.post("job-types", {"name": "leak", "template": LEAK, "params": PARAMS})
    again = {"retry": {"when": "now", "count": 1}}
    site.post("job-types", {"name": "leak-again", "template": LEAK, "params": PARAMS, "on_fail": again})
    go_on = tmp_path / "go-on"

    with http_sink() as sink:
        # One of them has nobody who listens: that is logged.
        add_subscriptions(site, sink.port, free_port())
        assert found_in_text(refusals(site), wanted) == []
        # Given to jobs that run on both hosts, wait, are killed, and are tried again.
        held = submit(site, "leak", host="far", is_held=True)
        waiting = [submit(site, "leak", host=host, until=str(go_on)) for host in ("localhost", "far")]
        killed = [submit(site, "leak", host=host, until="/never") for host in ("localhost", "far")]
        failing = [submit(site, "leak-again", host=host, code=3) for host in ("localhost", "far")]
        tried = site.finished(failing, seconds=60)
        running = [*waiting, *killed]
        for job in running:
            until(lambda job=job: b"2999 " in site.output(job), seconds=60, what=f"job {job} has written all")  # type: ignore[misc]
        until(lambda: len(sink.posted) >= len(failing), seconds=30, what="the failures are told")

    # While they run: nothing but the jobs' own shells have it, and what these keep and write on their hosts.
    assert found_in_processes(wanted) == []
    assert found_in_text(told_by_api(site, running) + dumped(site), wanted) == []
    assert [path for path in found_in(site.directory, wanted) if "/runs/" not in path] == []

    # New keys, and a restart of everything, change nothing.
    assert "secrets are under the newest key from now on, 0 were so before." in site.manage(
        "rotate_secrets", "--new-key"
    )
    site.kill()
    site.start()
    site.post(f"jobs/{held}/release", expect=200)
    for job in killed:
        site.post(f"jobs/{job}/kill", expect=202)
    go_on.touch()
    ended = site.finished([held, *waiting, *killed], seconds=60)
    jobs = [held, *waiting, *killed, *failing]

    assert [job["state"] for job in ended] == ["succeeded"] * 3 + ["failed"] * 2
    assert [len(job["attempts"]) for job in tried] == [2, 2]
    digest = hashlib.sha256(CANARY.encode()).hexdigest().encode()
    size_bytes = set()
    for job in jobs:
        output = site.output(job)
        assert output.startswith(digest), job
        assert b"\n" + b"*" * len(CANARY) + b"\n" in output
        assert len(re.findall(rb"^\d+ \*{%d}$" % len(CANARY), output, re.MULTILINE)) == 3000
        size_bytes.add(len(output))
    assert len(size_bytes) == 1

    assert found_in_text(told_by_api(site, jobs) + shown_on_pages(site, jobs) + dumped(site), wanted) == []
    until(lambda: not found_in(site.directory, wanted), seconds=10, what="nothing of them is left in any file")
    assert not list(site.directory.rglob("secrets"))
    assert found_in_processes(wanted) == []


def test_a_site_does_not_start_with_other_keys(site: SiteUnderTest) -> None:
    site.post("job-types", {"name": "leak", "template": "true $secret", "params": PARAMS[:1]})
    site.post("jobs", {"queue": "default", "type": "leak", "params": {"secret": CANARY}})
    site.kill()
    keys = site.directory / "var" / "secret_keys"
    kept = keys.read_text()

    keys.unlink()
    lost = refused(site)
    keys.write_text("A" * 43 + "=\n")
    wrong = refused(site)
    keys.write_text(kept)
    site.start()

    assert "Secrets are stored and their keys are missing" in lost
    assert "cannot be read" in wrong
    assert "1 secrets are under the newest key from now on, 0 were so before." in site.manage(
        "rotate_secrets", "--new-key"
    )
    site.finished([site.submit("true")], seconds=30)


def refused(site: SiteUnderTest) -> str:
    """Why the site does not start."""
    command = [sys.executable, str(ROOT / "manage.py"), "serve"]
    done = subprocess.run(command, env=site.env(), cwd=site.directory, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    return done.stderr
