"""Passwords that an LDAP directory knows. Loaded only where BATCHYARD_LDAP_URL is set."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend

from accounts.audit import record_change
from accounts.backends import GrantBackend
from accounts.models import User


class DirectoryBackend(GrantBackend, LDAPBackend):
    """Asks the directory whether a password is right. What somebody may do, grants say here as for everybody."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        if not username or not password:
            return None
        try:
            user = LDAPBackend.authenticate(  # type: ignore[no-untyped-call]
                self, request, username=username, password=password
            )
        except User.MultipleObjectsReturned:
            return None  # accounts whose names differ in case alone: nobody knows which is meant
        return user if isinstance(user, User) and self.user_can_authenticate(user) else None

    def authenticate_ldap_user(self, ldap_user: Any, password: str) -> User | None:
        """The account; told in the audit if it is a new one."""
        last = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        user = super().authenticate_ldap_user(ldap_user, password)  # type: ignore[no-untyped-call]
        if isinstance(user, User) and user.pk > last:
            record_change(user, None)
        return user if isinstance(user, User) else None
