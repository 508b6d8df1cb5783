"""Makes the site's own administration the one that all apps register their pages with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class SiteAdminConfig(SimpleAdminConfig):
    """Its pages are imported where they are shown or checked: in an engine they would be a sixth of its memory."""

    default_site = "scheduler_site.admin_site.SiteAdministration"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """Django's own check of all pages of the administration."""
    autodiscover()
    return check_admin_app(app_configs, **options)
