"""Who has guessed too many passwords has to wait: at the log-in page, by Basic and in the administration alike.

Failures are counted for a name from an address, and for an address. A pair that has failed five times waits a
minute, and twice as long for each further failure, up to an hour; what is tried meanwhile is not even looked at, so
nobody can be kept out by others for longer. An address waits at fifty failures within an hour. A browser in which
somebody has signed in before is counted apart, whatever others at its address do.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse

from accounts.origin import bucket_of

PAIR_LIMIT: Final = 5
ADDRESS_LIMIT: Final = 50
FIRST_PAUSE: Final = timedelta(minutes=1)
# After so long without a failure all is forgotten. No pause is longer.
REMEMBERED: Final = timedelta(hours=1)
PASSWORD_LIMIT: Final = 4096
NAME_LIMIT: Final = 255
COOKIE: Final = "known_browser"
COOKIE_AGE: Final = timedelta(days=365)
KNOWN: Final = "known browser "
# In a request's META: its password was not looked at.
UNSEEN: Final = "batchyard.password_unseen"

Credentials = Mapping[str, Any] | None


class Lockout(AxesDatabaseHandler):
    """Counts, as said above, in the rows of axes."""

    def is_locked(self, request: Any, credentials: Credentials = None) -> bool:
        request.locked_until = locked_until(request, credentials)
        return request.locked_until is not None

    def get_failures(self, request: Any, credentials: Credentials = None) -> int:
        """Those of this name from this address or browser."""
        return _of_pair(request, credentials).aggregate(sum=Sum("failures_since_start"))["sum"] or 0

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **told: Any) -> None:
        if was_unseen(request):
            # It counts for nothing and prolongs nothing.
            request.axes_credentials = credentials
            return
        if request is not None:
            request.axes_user_agent = counted_as(request, credentials)
        super().user_login_failed(sender, credentials, request, **told)
        if request is not None and request.axes_locked_out:
            request.locked_until = locked_until(request, credentials)

    def reset_user_attempts(self, request: Any, credentials: Credentials = None) -> int:
        """A right password makes good for this name from here, not for other names."""
        return int(_of_pair(request, credentials).delete()[0])


class Gate(AxesStandaloneBackend):
    """Stands before whatever looks at passwords."""

    def authenticate(
        self, request: HttpRequest, username: str | None = None, password: str | None = None, **more: Any
    ) -> None:
        if username is None or password is None:
            return  # another kind of proof
        try:
            super().authenticate(request, username=username, password=password, **more)
        except AxesBackendPermissionDenied:
            request.META[UNSEEN] = "1"
            raise
        if len(password) > PASSWORD_LIMIT:
            raise PermissionDenied


def was_unseen(request: HttpRequest | None) -> bool:
    """Whether the password of this request was not looked at, as its name or address is locked."""
    return request is not None and UNSEEN in request.META


def locked_until(request: Any, credentials: Credentials) -> datetime | None:
    """When this name may be tried again from here; None: now."""
    at = request.axes_attempt_time
    moments = [_pair_opens(_of_pair(request, credentials))]
    if not counted_as(request, credentials):
        moments.append(_address_opens(request, at=at))
    return max((moment for moment in moments if moment is not None and moment > at), default=None)


def _pair_opens(rows: QuerySet[AccessAttempt]) -> datetime | None:
    row = rows.first()
    if row is None or row.failures_since_start < PAIR_LIMIT:
        return None
    return row.attempt_time + pause_after(row.failures_since_start)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures of one pair."""
    doubled = min(max(failures - PAIR_LIMIT, 0), 10)
    return min(FIRST_PAUSE * (1 << doubled), REMEMBERED)


def _address_opens(request: Any, *, at: datetime) -> datetime | None:
    """When the oldest failures of this address are an hour old, so that fewer than ADDRESS_LIMIT are left."""
    rows = AccessAttempt.objects.filter(
        ip_address=request.axes_ip_address, user_agent="", attempt_time__gt=at - REMEMBERED
    )
    count, opens = 0, None
    for moment, failures in rows.order_by("-attempt_time").values_list("attempt_time", "failures_since_start"):
        count += failures
        if count >= ADDRESS_LIMIT:
            opens = moment + REMEMBERED
            break
    return opens


def _of_pair(request: Any, credentials: Credentials) -> QuerySet[AccessAttempt]:
    return AccessAttempt.objects.filter(
        username=plain_name(request, credentials),
        ip_address=request.axes_ip_address,
        user_agent=counted_as(request, credentials),
        attempt_time__gt=request.axes_attempt_time - REMEMBERED,
    )


# --- what counts as the same name, address and browser ---


def plain_name(request: HttpRequest | None, credentials: Credentials) -> str:
    """The name as it is counted: however it is written, one name is one name."""
    name = str((credentials or {}).get("username") or "")[:NAME_LIMIT]
    return unicodedata.normalize("NFKC", name).strip().casefold().replace("\0", "?")[:NAME_LIMIT]


def address_of(request: HttpRequest) -> str | None:
    """The address as it is counted."""
    return bucket_of(request) or None


def counted_as(request: HttpRequest, credentials: Credentials) -> str:
    """The browser, if the one who is named has signed in with it before; "": whoever is at the address."""
    told = request.get_signed_cookie(COOKIE, default="", salt=COOKIE, max_age=COOKIE_AGE)
    number, _, name = str(told or "").partition(":")
    return f"{KNOWN}{number}" if name and name == plain_name(request, credentials) else ""


def know_browser(answer: HttpResponse, *, name: str) -> None:
    """Let the browser that gets `answer` be known as one in which `name` has signed in. It opens nothing."""
    answer.set_signed_cookie(
        COOKIE,
        f"{secrets.token_hex(16)}:{plain_name(None, {'username': name})}",
        salt=COOKIE,
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
