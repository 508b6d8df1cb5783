"""Writes log-ins, log-outs, failed log-ins and lockouts into the audit. Django tells of them by signals alone."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.lockout import was_unseen
from accounts.models import User
from accounts.sessions import begin

KIND = User._meta.label_lower


@receiver(user_logged_in)
def logged_in(sender: Any, user: User, request: HttpRequest, **told: Any) -> None:
    begin(request, at=timezone.now())
    record("log in", kind=KIND, pk=user.pk, name=user.get_username(), actor=user.get_username())


@receiver(user_logged_out)
def logged_out(sender: Any, user: User | None, **told: Any) -> None:
    if user is not None:
        record("log out", kind=KIND, pk=user.pk, name=user.get_username(), actor=user.get_username())


@receiver(user_login_failed)
def failed(sender: Any, credentials: dict[str, Any], request: Any = None, **told: Any) -> None:
    # One who is locked out was told when that began; what they try meanwhile would only fill the audit.
    if not was_unseen(request):
        record("fail to log in", kind=KIND, name=str(credentials.get("username", "")))


@receiver(user_locked_out)
def locked_out(sender: Any, username: str | None = None, **told: Any) -> None:
    record("lock out", kind=KIND, name=username or "")
