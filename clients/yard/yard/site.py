"""Talks to a site: one place that sends requests, and turns whatever comes back into an answer or a Failure."""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from yard import __version__
from yard.clean import one_line
from yard.failures import Denied, Failure, Unreachable
from yard.settings import Settings

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
# Seconds before each further try of what may be repeated without harm.
PAUSES: Final = (0.5, 1.0, 2.0)
RETRIED: Final = frozenset({502, 503, 504})
PAGE_SIZE: Final = 500
LONGEST_PAUSE_SECONDS: Final = 10.0

Credentials = tuple[httpx.BasicAuth | None, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site said to a request that it did not refuse."""

    status: int
    json: Any
    content: bytes
    headers: Mapping[str, str]


class Site:
    """The site at the URL of `settings`, with the credentials for it."""

    def __init__(self, settings: Settings, *, is_debug: bool = False, basic: tuple[str, str] | None = None) -> None:
        self.url = settings.url
        self._origin = settings["url"].origin
        self._is_debug = is_debug
        auth, headers = _basic(*basic) if basic else credentials(settings)
        self.http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"User-Agent": f"yard/{__version__}", "Accept": "application/json", **headers},
            auth=auth, timeout=TIMEOUT, verify=_verification(settings), follow_redirects=False,
        )  # fmt: skip

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, /, **params: Any) -> Any:
        """The JSON at `path` beneath /api/v1/."""
        return self.ask("GET", path, params=params).json

    def post(self, path: str, body: Any = None) -> Answer:
        return self.ask("POST", path, json=body if body is not None else {})

    def patch(self, path: str, body: Any) -> Any:
        return self.ask("PATCH", path, json=body).json

    def delete(self, path: str, /, **params: Any) -> None:
        self.ask("DELETE", path, params=params)

    def pages(self, path: str, /, *, limit: int | None = None, **params: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list, following its pages; at most `limit`."""
        size = min(PAGE_SIZE, limit or PAGE_SIZE)
        given = {**params, "page_size": size}
        left = limit
        while True:
            page = self.get(path, **given)
            rows = page["results"][: left if left is not None else None]
            yield from rows
            left = None if left is None else left - len(rows)
            if not page["next"] or left == 0:
                return
            # Only the place in the list is taken from the answer, never the address.
            given = {**params, "page_size": size, "cursor": httpx.URL(page["next"]).params["cursor"]}

    def rows(self, path: str) -> list[dict[str, Any]]:
        """A list that has no pages."""
        found: list[dict[str, Any]] = self.ask("GET", path, form=list).json
        return found

    def ask(self, method: str, path: str, *, key: str | None = None, form: type = dict, **sent: Any) -> Answer:
        """Send a request; one that may be repeated (it reads, or carries an Idempotency-Key) is tried again.

        `form` is what JSON it answers with. Raises Failure.
        """
        headers = {"Idempotency-Key": key} if key else {}
        pauses = PAUSES if method == "GET" or key else ()
        for pause in (*pauses, None):
            try:
                with self._telling():
                    response = self.http.request(method, path, headers=headers, **sent)
            except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
                if pause is None:
                    raise Unreachable(self._lost(error)) from error
                time.sleep(pause)
                continue
            self._debug(method, response)
            if pause is None or response.status_code not in RETRIED:
                return self._read(response, method=method, form=form)
            time.sleep(min(_seconds(response.headers.get("Retry-After"), pause), LONGEST_PAUSE_SECONDS))
        raise AssertionError("the last try has no pause")

    @contextmanager
    def streaming(self, path: str, /, *, headers: Mapping[str, str], **params: Any) -> Iterator[httpx.Response]:
        """The answer at `path` while it comes in. What goes wrong on the way is httpx's own error."""
        with self._telling(), self.http.stream("GET", path, headers=dict(headers), params=params) as response:
            if response.status_code != 200:
                response.read()
                self._read(response, method="GET")
            yield response

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Errors of a connection that could not be made, in words."""
        try:
            yield
        except httpx.ConnectError as error:
            raise Unreachable(self._unreachable(error), hint=self._where(), code="unreachable") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.url} does not answer in time.", hint=self._where()) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise Unreachable(f"{self.url} cannot be asked: {error}.", hint=self._where()) from error

    def _unreachable(self, error: Exception) -> str:
        reason = one_line(error)
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return f"The certificate of {self.url} is not one that is trusted ({reason.partition('failed: ')[2]})."
        if "SSL" in reason:
            return f"{self.url} does not speak TLS; is it http:// that is meant?"
        return f"Cannot reach {self.url}: {reason}."

    def _lost(self, error: Exception) -> str:
        if isinstance(error, httpx.RemoteProtocolError) and self.url.startswith("http:"):
            return f"{self.url} does not answer in HTTP, or broke off; is it https:// that is meant?"
        return f"The connection to {self.url} broke off before the answer."

    def _where(self) -> str:
        return f"The URL comes from {self._origin}."

    def _debug(self, method: str, response: httpx.Response) -> None:
        if self._is_debug:
            sys.stderr.write(f"yard: {method} {response.request.url} -> {response.status_code}\n")

    def _read(self, response: httpx.Response, *, method: str, form: type = dict) -> Answer:
        """The answer, or the Failure that it means."""
        if response.is_redirect:
            there = one_line(response.headers.get("Location", "elsewhere"))[:200]
            hint = "Nothing was sent there. If it is the right place, log in: yard login URL"
            raise Unreachable(f"{self.url} sends us on to {there}.", hint=hint, code="redirected")
        is_json = "json" in response.headers.get("Content-Type", "")
        told = self._json(response) if is_json and response.content else None
        if response.is_success:
            is_file = "octet-stream" in response.headers.get("Content-Type", "")
            if not (isinstance(told, form) or is_file or method == "DELETE"):
                raise self._stranger(response)
            return Answer(response.status_code, told, response.content, response.headers)
        if not isinstance(told, dict) or "message" not in told:
            raise self._stranger(response)
        raise self._refusal(response.status_code, told)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError) as error:
            message = f"The answer of {self.url} is damaged: {response.status_code}, not the JSON that it claims to be."
            raise Unreachable(message, hint=self._where(), code="bad_answer") from error

    def _stranger(self, response: httpx.Response) -> Failure:
        kind = one_line(response.headers.get("Content-Type", "nothing")).partition(";")[0][:60]
        message = f"{self.url} answered {response.status_code} with {kind}"
        if response.status_code >= 500:
            return Unreachable(f"{message}: the site, or what stands before it, is out of order.", code="site_failed")
        return Unreachable(f"{message}; no Batchyard answers so.", hint=self._where(), code="not_batchyard")

    def _refusal(self, status: int, told: Mapping[str, Any]) -> Failure:
        message, hint = one_line(told["message"]), one_line(told.get("hint") or "")
        if told.get("field"):
            message = f"{one_line(told['field'])}: {message}"
        further = [problem for problem in told.get("errors", [])[1:] if isinstance(problem, dict)]
        if further:
            hint = f"{hint} ({len(further)} more: {one_line(further[0].get('message'))}{' ...' * (len(further) > 1)})"
        code = str(told.get("code", "failed"))
        if status == 401:
            return Denied(f"{self.url}: {message}", hint=f"Log in: yard login {self.url}", code=code)
        if status == 403:
            return Denied(message, hint=hint, code=code)
        if status >= 500:
            return Unreachable(f"The site failed ({status}): {message}", hint=hint, code=code)
        if status == 404 and message == "There is nothing here.":
            return Failure("The site does not know this command; it may be older than yard.", code="unknown_route")
        return Failure(message, hint=hint.strip(), code=code)


def credentials(settings: Settings) -> Credentials:
    """How to say who asks: YARD_TOKEN, else the variables' password, else the last login, else a file's password."""
    password, name = settings["password"], settings["username"]
    token = settings["token"].value
    login = settings.tokens.of(settings.url)
    is_other = name.origin != "default" and login is not None and name.value != login["user"]
    if not token and not (password.value and password.origin in {"YARD_PASSWORD", "BATCH_PASSWORD"} and name.value):
        token = str(login["token"]) if login and not is_other else ""
    if token:
        if not token.isascii() or not token.isprintable():
            raise Failure(
                "The token is not one line of printable characters.", hint=f"From {settings['token'].origin}."
            )
        return None, {"Authorization": f"Token {token}"}
    if name.value and password.value:
        return _basic(name.value, password.value)
    return None, {}


def _basic(name: str, password: str) -> Credentials:
    try:
        return httpx.BasicAuth(name.encode(), password.encode()), {}
    except UnicodeEncodeError as error:
        raise Failure("Name or password is not UTF-8.") from error


def _verification(settings: Settings) -> ssl.SSLContext | bool:
    if settings["unchecked"].value == "true":
        return False
    certificate, key = settings["certificate"].value, settings["key"].value
    authority = settings["ca_certificate"].value
    if not certificate and not authority:
        return True
    try:
        context = ssl.create_default_context(cafile=authority or None)
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except OSError as error:
        raise Failure(f"Cannot use the certificate {certificate or authority}: {error}.") from error
    return context


def _seconds(text: str | None, default: float) -> float:
    return float(text) if text and text.isascii() and text.isdigit() else default


def part(name: str | int) -> str:
    """`name` as one part of an address."""
    return quote(str(name), safe="")
