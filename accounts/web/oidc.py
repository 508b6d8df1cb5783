"""The way to an OpenID Connect provider and back. Loaded only where one is set."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from accounts.provider import ProviderFailed, description

logger = logging.getLogger(__name__)


class ToProvider(OIDCAuthenticationRequestView):
    """Sends the browser to the provider."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            self.OIDC_OP_AUTH_ENDPOINT = description(at=time.monotonic())["authorization_endpoint"]
        except ProviderFailed as problem:
            logger.warning("%s", problem)
            return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL_FAILURE)
        answer: HttpResponse = super().get(request)  # type: ignore[no-untyped-call]
        return answer


urlpatterns: Final = [
    path("login/", ToProvider.as_view(), name="oidc_authentication_init"),
    path("callback/", OIDCAuthenticationCallbackView.as_view(), name="oidc_authentication_callback"),
]
