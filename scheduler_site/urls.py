from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from accounts.web.urls import audit_urls
from jobs.compat.batchd.urls import RootView
from scheduler_site.health import healthz
from scheduler_site.metrics import metrics
from scheduler_site.pages import components

admin.autodiscover()
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
    path("api/", include("scheduler_site.api.urls")),
    path("batchd", RootView.as_view()),
    path("batchd/", include("jobs.compat.batchd.urls")),
    path("accounts/", include("accounts.web.urls")),
    *audit_urls,
    path("components/", components, name="components"),
    path("", include("jobs.web.urls")),
]
handler400 = "scheduler_site.pages.bad_request"
handler403 = "scheduler_site.pages.forbidden"
handler404 = "scheduler_site.pages.missing"
handler500 = "scheduler_site.pages.failed"
