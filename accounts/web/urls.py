"""The addresses beneath /accounts/."""

from __future__ import annotations

from typing import Final

from django.urls import path

from accounts.web.audit import audit
from accounts.web.views import SignIn, SignOut, change_password, revoke_token, tokens

# Beside /accounts/, as it is about all that the site has.
audit_urls: Final = [path("audit/", audit, name="audit")]
urlpatterns: Final = [
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("password/", change_password, name="password"),
    path("tokens/", tokens, name="tokens"),
    path("tokens/<slug:key>/revoke/", revoke_token, name="token-revoke"),
]
