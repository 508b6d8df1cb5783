"""The people and programs that use the site, what they may do, and what they did."""

from __future__ import annotations

from accounts.models.audit import AuditEntry
from accounts.models.grant import DEFAULT_HOST, LIMITS, SCOPES, Grant, Permission
from accounts.models.session import Session
from accounts.models.token import Token
from accounts.models.user import User

__all__ = ["DEFAULT_HOST", "LIMITS", "SCOPES", "AuditEntry", "Grant", "Permission", "Session", "Token", "User"]
