"""The nginx example: it is valid, passes live output through at once, and believes nobody about who they are."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenarios.conftest import running_site
from tests.scenarios.site import ROOT, SiteUnderTest, free_port
from tests.servers.parts import program, wait_until

pytestmark = pytest.mark.scenario

EXAMPLE = ROOT / "deploy" / "nginx" / "batchyard.conf"
NAME = "yard.example.org"
STEP_SECONDS = 2.0


@dataclass
class Proxy:
    """A real nginx with the example's settings, and the site behind it."""

    port: int
    site: SiteUnderTest

    @contextmanager
    def asking(self, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """The answer while it comes."""
        context = ssl._create_unverified_context()  # noqa: S323  (a certificate of this test's own)
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        try:
            line.request("GET", path, headers={"Host": NAME, **headers})
            with line.getresponse() as answer:
                yield answer
        finally:
            line.close()

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """The status and headers of the answer."""
        with self.asking(path, **headers) as answer:
            return answer


def adapted(directory: Path, *, port: int, plain_port: int, site_port: int) -> Path:
    """The example within a whole configuration: other ports and paths, and nothing else changed."""
    subprocess.run(
        [
            program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={NAME}",
            "-keyout", str(directory / "key"), "-out", str(directory / "certificate"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    text = EXAMPLE.read_text()
    for was, now in (
        ("127.0.0.1:8000", f"127.0.0.1:{site_port}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("listen 80", f"listen 127.0.0.1:{plain_port}"),
        (f"/etc/ssl/certs/{NAME}.pem", str(directory / "certificate")),
        (f"/etc/ssl/private/{NAME}.key", str(directory / "key")),
    ):
        assert was in text
        text = text.replace(was, now)
    own = "".join(f"{kind}_temp_path {directory};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = directory / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/error.log; user root;"
        f"events {{}} http {{ access_log off; {own} {text} }}"
    )
    return whole


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    nginx, directory = program("nginx"), tmp_path_factory.mktemp("nginx")
    settings = {"BATCHYARD_TLS": "true", "BATCHYARD_TRUSTED_PROXIES": "127.0.0.1", "ALLOWED_HOSTS": NAME}
    with running_site(**settings) as site:
        port = free_port()
        configuration = adapted(directory, port=port, plain_port=free_port(), site_port=site.port)
        subprocess.run([nginx, "-t", "-q", "-c", str(configuration)], check=True)
        server = subprocess.Popen([nginx, "-c", str(configuration)])
        try:
            found = Proxy(port, site)
            wait_until(lambda: answers(found), what=f"nginx answers; see {directory}", seconds=60)
            yield found
        finally:
            server.terminate()
            server.wait(30)


def answers(proxy: Proxy) -> bool:
    try:
        return proxy.ask("/healthz").status == 200
    except OSError:
        return False


def submit(proxy: Proxy, command: str) -> int:
    """Past the proxy's TLS: the site is told that the request came by it."""
    told = {"queue": "default", "type": "command", "params": {"command": command}}
    answer = proxy.site.call("POST", "jobs", told, **{"X-Forwarded-Proto": "https"})
    assert answer.status == 201, answer.body
    return int(answer.json["id"])


def test_live_output_comes_through_at_once(proxy: Proxy) -> None:
    job = submit(proxy, f"echo first; sleep {STEP_SECONDS}; echo second; sleep {STEP_SECONDS}; echo third")
    token = {"Authorization": f"Token {proxy.site.token}"}

    came: dict[str, float] = {}
    with proxy.asking(f"/api/v1/jobs/{job}/output/stream", **token) as stream:
        while len(came) < 3:
            line = stream.readline().decode()
            assert line, f"the stream ended after {came}"
            came |= {word: time.monotonic() for word in ("first", "second", "third") if word in line}

    assert came["second"] - came["first"] > STEP_SECONDS / 2
    assert came["third"] - came["second"] > STEP_SECONDS / 2


def test_pages_know_that_people_came_by_tls(proxy: Proxy) -> None:
    answer = proxy.ask("/accounts/login/")

    assert answer.status == 200
    assert "max-age" in (answer.getheader("Strict-Transport-Security") or "")
    assert "secure" in (answer.getheader("Set-Cookie") or "").lower()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"X-Auth-User": "admin"}, id="a name"),
        pytest.param({"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}, id="an address"),
    ],
)
def test_what_a_client_says_about_itself_counts_for_nothing(proxy: Proxy, header: dict[str, str]) -> None:
    assert proxy.ask("/api/v1/jobs", **header).status == 401


def test_metrics_are_not_for_the_outside(proxy: Proxy) -> None:
    assert proxy.ask("/metrics", Authorization=f"Token {proxy.site.token}").status == 403
