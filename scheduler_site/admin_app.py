"""Makes the site's own administration the one that all apps register their pages with."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class SiteAdminConfig(AdminConfig):
    default_site = "scheduler_site.admin_site.SiteAdministration"
