"""The addresses beneath /api/: version 1, its description, and an answer in the API's shape for all others."""

from __future__ import annotations

from typing import Final

from django.urls import include, re_path

from accounts.api.audit import URLS as AUDIT_URLS
from accounts.api.tokens import urlpatterns as account_patterns
from accounts.api.views import VIEWS as ACCOUNT_VIEWS
from hosts.api.views import VIEWS as HOST_VIEWS
from jobs.api.definitions import VIEWS as JOB_VIEWS
from jobs.api.urls import urlpatterns as job_patterns
from scheduler_site.api.errors import not_found
from scheduler_site.api.router import Router
from scheduler_site.api.schema import DocsView, SchemaView

_router = Router()
_router.register_all({**JOB_VIEWS, **HOST_VIEWS, **ACCOUNT_VIEWS})

urlpatterns: Final = [
    re_path("^v1/", include([*job_patterns, *account_patterns, *AUDIT_URLS, *_router.urls])),
    re_path("^schema/?$", SchemaView.as_view(), name="api-schema"),
    re_path("^docs/?$", DocsView.as_view(), name="api-docs"),
    re_path("^(?P<path>(?s:.*))$", not_found, name="api-not-found"),
]
