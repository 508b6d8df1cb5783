"""What tests of signing in share."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.test import Client

PASSWORD = "correct horse battery staple"


def sign_in(client: Client, name: str = "carol", *, password: str = PASSWORD, **told: str) -> Any:
    """What the log-in page answers. `told` in capitals belongs to the request, the rest to the form."""
    request = {key: value for key, value in told.items() if key.isupper()}
    form = {key: value for key, value in told.items() if not key.isupper()}
    return client.post("/accounts/login/", {"username": name, "password": password, **form}, **request)  # type: ignore[arg-type]


def basic(name: str, password: str = PASSWORD) -> str:
    """An Authorization header."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
