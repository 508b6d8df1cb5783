"""The addresses beneath /accounts/."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import URLResolver, include, path

from accounts.web.audit import audit
from accounts.web.sessions import end_other_sessions, end_session, sessions
from accounts.web.views import SignIn, SignOut, change_password, revoke_token, tokens


def _of_provider() -> list[URLResolver]:
    # By name, as its packages are there only where it is used.
    return [path("oidc/", include("accounts.web.oidc"))] if settings.BATCHYARD_OIDC_ISSUER else []


# Beside /accounts/, as it is about all that the site has.
audit_urls: Final = [path("audit/", audit, name="audit")]
urlpatterns: Final = [
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("password/", change_password, name="password"),
    path("sessions/", sessions, name="sessions"),
    path("sessions/others/end/", end_other_sessions, name="sessions-end"),
    path("sessions/<slug:label>/end/", end_session, name="session-end"),
    path("tokens/", tokens, name="tokens"),
    path("tokens/<slug:key>/revoke/", revoke_token, name="token-revoke"),
    *_of_provider(),
]
