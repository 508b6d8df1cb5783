"""How the administration looks: the settings of django-unfold. Colours are in static/batchyard/admin.css."""

from __future__ import annotations

from typing import Any, Final

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _icon(_request: object) -> str:
    return static("batchyard/favicon.svg")


LOOK: Final[dict[str, Any]] = {
    "SITE_TITLE": "Batchyard",
    "SITE_HEADER": "Batchyard",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": reverse_lazy("home"),
    "SITE_ICON": _icon,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda _request: static("batchyard/admin.css")],
    "SCRIPTS": [lambda _request: static("batchyard/admin.js")],
    "ACCOUNT": {
        "navigation": [
            {"title": _("Tokens"), "link": reverse_lazy("tokens")},
            {"title": _("Change password"), "link": reverse_lazy("password")},
        ]
    },
    "SIDEBAR": {"navigation": "scheduler_site.admin_menu.navigation"},
}
