"""Talks to a site with what Python brings: one place that sends requests and turns what comes back into words."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from .addresses import PREFERENCES, Address
from .failures import Failure

TIMEOUT_SECONDS: Final = 30.0
# Seconds before each further try of what may be repeated without harm.
PAUSES: Final = (0.5, 1.0, 2.0)
RETRIED: Final = frozenset({502, 503, 504})
PAGE_SIZE: Final = 500
ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
SHOWN: Final = 500

Body = bytes | Iterator[bytes]


class _Staying(HTTPRedirectHandler):
    """Follows nobody elsewhere: the token is for this site."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        return None


class Site:
    """The site at an address."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self._token = address.token
        self._opener = build_opener(_Staying, HTTPSHandler(context=_trusting(address.authority)))

    def get(self, path: str, /, **params: Any) -> Any:
        """The JSON at `path` beneath /api/v1/. Raises Failure."""
        return self._json("GET", f"{path}?{urlencode(params)}" if params else path)

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """What the site says to `body`. With a `key` it is tried again if the answer is lost. Raises Failure."""
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        return self._json("POST", path, json.dumps(body).encode(), headers=headers)

    def rows(self, path: str, /, *, limit: int, **params: Any) -> Iterator[Any]:
        """The rows of a list, at most `limit`. Raises Failure."""
        given = {**params, "page_size": min(PAGE_SIZE, limit)}
        while limit > 0:
            page = self.get(path, **given)
            yield from page["results"][:limit]
            limit -= len(page["results"])
            if not page["next"]:
                return
            # Only the place in the list is taken from the answer, never the address.
            given["cursor"] = parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    def send(self, path: str, body: Iterator[bytes], *, headers: Mapping[str, str], timeout_seconds: float) -> Any:
        """What the site says to a body that is made while it is sent. Raises Failure."""
        with self._open("POST", path, body, headers=headers, timeout_seconds=timeout_seconds) as answer:
            return self._read(answer)

    def download(self, path: str, file: IO[bytes]) -> int:
        """Write the bytes at `path` to `file`. How many they are. Raises Failure."""
        size_bytes = 0
        with self._open("GET", path, None, headers={}, timeout_seconds=TIMEOUT_SECONDS) as answer:
            declared = int(answer.headers.get("Content-Length") or 0)
            while block := self._block(answer):
                file.write(block)
                size_bytes += len(block)
        if size_bytes < declared:
            raise self._broken_off()
        return size_bytes

    def _block(self, answer: HTTPResponse) -> bytes:
        try:
            return answer.read(1024 * 1024)
        except (HTTPException, OSError) as error:
            raise self._broken_off() from error

    def _json(self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] = {}) -> Any:
        pauses = PAUSES if method == "GET" or "Idempotency-Key" in headers else ()
        for pause in pauses:
            try:
                return self._once(method, path, body, headers=headers)
            except Failure as failure:
                if failure.code not in ("broken_off", "busy"):
                    raise
                time.sleep(pause)
        return self._once(method, path, body, headers=headers)

    def _once(self, method: str, path: str, body: bytes | None, *, headers: Mapping[str, str]) -> Any:
        with self._open(method, path, body, headers=headers, timeout_seconds=TIMEOUT_SECONDS) as answer:
            return self._read(answer)

    def _open(
        self, method: str, path: str, body: Body | None, *, headers: Mapping[str, str], timeout_seconds: float
    ) -> HTTPResponse:
        told = {"Authorization": f"Token {self._token}", "Accept": "application/json", **headers}
        # Only http and https come this far (addresses.py).
        request = Request(f"{self.url}/api/v1/{path}", data=body, headers=told, method=method)  # noqa: S310
        try:
            answer: HTTPResponse = self._opener.open(request, timeout=timeout_seconds)
        except HTTPError as refused:
            with refused:
                raise self._refusal(refused) from refused
        except URLError as error:
            raise self._unreachable(error.reason) from error
        except TimeoutError as error:
            raise Failure(f"{self.url} does not answer in time.", hint=WHERE, code="unreachable") from error
        except (HTTPException, OSError) as error:
            raise self._broken_off() from error
        return answer

    def _read(self, answer: HTTPResponse) -> Any:
        try:
            data = answer.read(ANSWER_LIMIT_BYTES)
        except (HTTPException, OSError) as error:
            raise self._broken_off() from error
        if "json" not in answer.headers.get("Content-Type", ""):
            kind = one_line(answer.headers.get("Content-Type", "nothing"))[:60]
            raise self._stranger(f"{answer.status} with {kind}")
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._stranger(f"{answer.status} with damaged JSON") from error

    def _refusal(self, refused: HTTPError) -> Failure:
        """What an answer that is no success means."""
        if 300 <= refused.code < 400:
            there = one_line(refused.headers.get("Location", "elsewhere"))
            return Failure(f"{self.url} sends us on to {there}.", hint=f"If that is right, enter it in {PREFERENCES}.")
        told = self._told(refused)
        if not told:
            if refused.code in RETRIED:
                return Failure(f"{self.url} is out of order ({refused.code}).", hint="Try again later.", code="busy")
            return self._stranger(f"{refused.code} without a reason")
        message, hint = one_line(told["message"]), one_line(told.get("hint") or "")
        code = "busy" if refused.code in RETRIED else one_line(told.get("code") or "failed")
        if refused.code == 401:
            new = f"Make a new token at {self.url}/accounts/tokens/ and enter it in {PREFERENCES}"
            return Failure(f"{self.url}: {message}", hint=f"{new}, or run: yard login {self.url}", code="denied")
        if told.get("field"):
            message = f"{one_line(told['field'])}: {message}"
        return Failure(message, hint=hint, code=code)

    def _told(self, refused: HTTPError) -> dict[str, Any] | None:
        """The site's own words; None if they are not those of a Batchyard."""
        try:
            told = json.loads(refused.read(ANSWER_LIMIT_BYTES))
        except (ValueError, RecursionError, HTTPException, OSError):
            return None
        return told if isinstance(told, dict) and "message" in told else None

    def _stranger(self, what: str) -> Failure:
        return Failure(f"{self.url} answers {what}; no Batchyard does.", hint=WHERE, code="not_batchyard")

    def _unreachable(self, reason: object) -> Failure:
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = f"The certificate of {self.url} is not one that is trusted ({reason.verify_message})."
            return Failure(message, hint=f"Name a file of certificates to trust in {PREFERENCES}.", code="unreachable")
        if isinstance(reason, ssl.SSLError):
            return Failure(f"{self.url} does not speak TLS; is it http:// that is meant?", hint=WHERE)
        if isinstance(reason, ConnectionResetError | BrokenPipeError):
            return self._broken_off()
        if isinstance(reason, TimeoutError):
            return Failure(f"{self.url} does not answer in time.", hint=WHERE, code="unreachable")
        words = getattr(reason, "strerror", None) or one_line(reason)
        return Failure(f"Cannot reach {self.url}: {words}.", hint=WHERE, code="unreachable")

    def _broken_off(self) -> Failure:
        return Failure(f"The connection to {self.url} broke off.", hint="Try again.", code="broken_off")


WHERE: Final = f"The URL is that of {PREFERENCES}."


def _trusting(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority or None)
    except OSError as error:
        hint = f"Choose another, or none, in {PREFERENCES}."
        raise Failure(f"Cannot use the certificates in {authority}: {error}.", hint=hint) from error


def part(name: str) -> str:
    """`name` as one part of an address."""
    return quote(name, safe="")


def one_line(text: object) -> str:
    """`text` as one line that shows nothing but characters, and not too many."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:SHOWN].strip()
