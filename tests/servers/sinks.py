"""Servers that take what notifications send: real SMTP and HTTP, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class HttpSink:
    """What was posted to a web server, which answers with `status` and, if that is a redirect, `location`."""

    port: int
    posted: list[Any] = field(default_factory=list)
    status: int = 200
    location: str = ""
    # An answer waits for it.
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The address of a subscription that leads here."""
        return f"json://127.0.0.1:{self.port}/hook"


@contextmanager
def http_sink() -> Iterator[HttpSink]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            sink.gate.wait(60)
            self.send_response(sink.status)
            if sink.location:
                self.send_header("Location", sink.location)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test sees what was posted."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        sink = HttpSink(server.server_port)
        sink.gate.set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield sink
        sink.gate.set()
        server.shutdown()
        thread.join(10)


class SmtpSink:
    """The mails that a mail server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    @property
    def url(self) -> str:
        """The address of a subscription that leads here."""
        return f"mailto://127.0.0.1:{self.port}?from=yard@example.org&to=alice@example.org&mode=insecure"


def text_of(mail: EmailMessage) -> str:
    """What a mail says as plain text."""
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


@contextmanager
def smtp_sink(port: int) -> Iterator[SmtpSink]:
    sink = SmtpSink()
    sink.port = port
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield sink
    controller.stop()
