"""The people and programs that use the site, and what they may do."""

from __future__ import annotations

from accounts.models.grant import DEFAULT_HOST, LIMITS, SCOPES, Grant, Permission
from accounts.models.token import Token
from accounts.models.user import User

__all__ = ["DEFAULT_HOST", "LIMITS", "SCOPES", "Grant", "Permission", "Token", "User"]
