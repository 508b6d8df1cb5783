"""Whatever answers at the URL, or does not, yard says in one line what is wrong, and keeps its token to itself."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.clients.parts import Yard, one_line_of
from tests.scenarios.site import free_port


@dataclass
class Reply:
    """What a server of the tests says."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """A request that a server of the tests got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """A server that says what it is told to, one reply after the other; the last for ever."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(
    *replies: Reply, context: ssl.SSLContext | None = None, answer: Callable[[Asked], Reply] | None = None
) -> Iterator[Server]:
    """A server with these replies, or with those that `answer` has for a request."""
    server = Server(list(replies))

    class Answering(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            server.asked.append(asked)
            reply = answer(asked) if answer else server.next()
            self.send_response(reply.status)
            told = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), **reply.headers}
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  (names that the library gives)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read no log of it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        if context is not None:
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def problem(**told: object) -> bytes:
    return json.dumps({"code": "x", "message": "Wrong.", "field": None, "hint": None, **told}).encode()


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        pytest.param(Reply(kind="text/html", body=b"<html>"), 3, "no Batchyard answers so", id="a page"),
        pytest.param(Reply(404, kind="text/html", body=b"<html>"), 3, "answered 404 with text/html", id="no page"),
        pytest.param(Reply(500, kind="text/html", body=b"<html>"), 3, "is out of order", id="500 as a page"),
        pytest.param(Reply(500, body=problem(message="See log 17.")), 3, "failed (500): See log 17.", id="500"),
        pytest.param(Reply(body=b'{"results": ['), 3, "is damaged", id="half JSON"),
        pytest.param(Reply(body=b"[" * 100_000), 3, "is damaged", id="deep JSON"),
        pytest.param(Reply(400, body=b"[]"), 3, "answered 400", id="an error of another shape"),
        pytest.param(Reply(401, body=problem(message="Who?")), 4, "Log in: yard login http", id="401"),
        pytest.param(Reply(403, body=problem(message="No.")), 4, "No.", id="403"),
        pytest.param(Reply(404, body=problem(message="There is nothing here.")), 1, "older than yard", id="old site"),
        pytest.param(Reply(409, body=problem(message="a\n\x1b[31mb", hint="Do c.")), 1, "a b Do c.", id="controls"),
        pytest.param(Reply(body=b'{"name": "x"}'), 3, "has no 'id'; the site may be older", id="another version"),
        pytest.param(Reply(body=b"[5]"), 3, "no Batchyard answers so", id="a list"),
        pytest.param(Reply(204, body=b"", kind="x/y"), 3, "no Batchyard answers so", id="nothing"),
    ],
)
def test_every_answer_that_is_none_is_one_line(stranger: Yard, reply: Reply, status: int, told: str) -> None:
    with serving(reply) as server:
        line = one_line_of(stranger("job", "view", "1", "--url", server.url), status=status)

    assert told in line
    assert "\x1b" not in line


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_does_not_follow_a_redirection(stranger: Yard, status: int) -> None:
    stranger.token = "secret-token"
    with serving(Reply()) as other, serving(Reply(status, headers={"Location": f"{other.url}/api/v1/jobs"})) as server:
        line = one_line_of(stranger("ls", "--url", server.url), status=3)

    assert f"sends us on to {other.url}" in line
    assert other.asked == []
    assert "secret-token" not in line


def test_the_pages_of_a_list_are_asked_for_at_the_same_site(stranger: Yard) -> None:
    stranger.token = "secret-token"
    rows = [{"name": "a", "hosts": [], "title": ""}]
    with serving(Reply()) as other:
        first = json.dumps({"results": rows, "next": f"{other.url}/api/v1/pools?cursor=c%3D", "previous": None})
        last = json.dumps({"results": rows, "next": None, "previous": None})
        with serving(Reply(body=first.encode()), Reply(body=last.encode())) as server:
            assert len(stranger.json("pool", "list", "--url", server.url)["results"]) == 2

    assert other.asked == []
    assert "cursor=c%3D" in server.asked[1].path


def test_a_server_that_is_down_is_told_at_once(stranger: Yard) -> None:
    stranger.site = f"http://127.0.0.1:{free_port()}"

    line = one_line_of(stranger("ls"), status=3)

    assert f"Cannot reach {stranger.site}" in line
    assert "The URL comes from YARD_URL." in line


def test_a_name_that_means_no_machine_is_told(stranger: Yard) -> None:
    assert "Cannot reach http://nowhere.invalid" in one_line_of(
        stranger("ls", "-M", "http://nowhere.invalid"), status=3
    )


def test_https_where_http_is_spoken_is_told(stranger: Yard) -> None:
    with serving(Reply()) as server:
        line = one_line_of(stranger("ls", "--url", f"https://127.0.0.1:{server.port}"), status=3)

    assert "is it http:// that is meant?" in line


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that signs itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    subprocess.run([*words, *subject, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_trusted(
    stranger: Yard, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    empty = Reply(body=b'{"results": [], "next": null, "previous": null}')
    with serving(empty, context=context) as server:
        url = f"https://127.0.0.1:{server.port}"

        assert "is not one that is trusted" in one_line_of(stranger("pool", "list", "--url", url), status=3)
        assert server.asked == []
        stranger.variables = {"YARD_CA_CERTIFICATE": str(certificate)}
        assert stranger.json("pool", "list", "--url", url) == {"results": []}
        stranger.variables = {"YARD_CA_CERTIFICATE": "/no/such"}
        assert "Cannot use the certificate" in one_line_of(stranger("pool", "list", "--url", url), status=1)


def test_a_submission_is_repeated_with_the_same_key(stranger: Yard) -> None:
    busy = Reply(503, body=problem(code="database_busy"), headers={"Retry-After": "0"})
    taken = Reply(201, body=b'{"id": 17, "state": "ready", "reason": "Waits."}')
    with serving(busy, busy, taken) as server:
        stranger.site = server.url
        assert stranger.ok("submit", "-p", "command=true") == "Job 17 is ready: Waits.\n"

    keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_what_is_not_safe_to_repeat_is_asked_once(stranger: Yard) -> None:
    with serving(Reply(503, body=problem(), headers={"Retry-After": "0"})) as server:
        assert stranger("job", "retry", "1", "--url", server.url).status == 3

    assert len(server.asked) == 1


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that speaks by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    talk(peer)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_answer_that_breaks_off_is_told_with_the_way_to_repeat(stranger: Yard) -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"id"')

    with listening(talk) as url:
        line = one_line_of(stranger("submit", "-p", "command=true", "--url", url, "--key", "again-7"), status=3)

    assert "--key again-7" in line


def test_what_is_no_http_is_told(stranger: Yard) -> None:
    def talk(peer: socket.socket) -> None:
        peer.sendall(b"220 mail.example.org ESMTP\r\n")
        peer.recv(65536)

    with listening(talk) as url:
        assert "does not answer in HTTP" in one_line_of(stranger("job", "retry", "1", "--url", url), status=3)


def test_a_followed_job_goes_on_where_the_connection_broke_off(stranger: Yard) -> None:
    def event(kind: str, identity: str, **data: object) -> bytes:
        return f"id: {identity}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

    first = (
        b": watching\n\n" + event("output", "1:6", attempt=1, offset=0, data="eins\u2028\n") + b"id: 1:9\nevent: out"
    )
    last = event("output", "1:9", attempt=1, offset=6, data="zwei\n") + event("end", "", state="succeeded")
    stream = "text/event-stream"
    with serving(Reply(kind=stream, body=first), Reply(kind=stream, body=last)) as server:
        assert stranger.ok("logs", "5", "--follow", "--url", server.url) == "eins\u2028\nzwei\n"

    assert "Last-Event-ID" not in server.asked[0].headers
    assert server.asked[1].headers["Last-Event-ID"] == "1:6"
