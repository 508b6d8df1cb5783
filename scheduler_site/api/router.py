"""Addresses with and without a slash at the end, for the same methods, without redirects."""

from __future__ import annotations

from typing import Any

from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """Routes to view sets."""

    def __init__(self) -> None:
        super().__init__(trailing_slash=False)
        self.trailing_slash = "/?"

    def register_all(self, views: dict[str, Any]) -> None:
        """Register view sets by the first part of their addresses."""
        for prefix, view in views.items():
            self.register(prefix, view, basename=f"api-{prefix}")
