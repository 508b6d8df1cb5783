"""Those who ask, in every way in which the table can tell them apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.test import Client
from rest_framework.test import APIClient

from accounts.models import LIMITS, Permission, Token, User
from hosts.models import Host, Pool
from jobs.models import JobType, Queue
from tests.builders import grant
from tests.permissions.table import Kind, Permissions, Rule, Where

THIS: Final = {"queue": "nightly", "type": "render", "host": "build1", "pool": "both"}
MODELS: Final = {"queue": Queue, "type": JobType, "host": Host, "pool": Pool}


@dataclass(frozen=True)
class Actor:
    """One who holds one permission: anywhere, or limited by `scope` to this thing or to another."""

    name: str
    permission: Permission | None = None
    scope: str | None = None
    is_this: bool = True
    has_account: bool = True
    is_super: bool = False
    is_active: bool = True
    only_reads: bool = False

    def holds(self, permissions: Permissions, *, where: Where, scopes: frozenset[str]) -> bool:
        """Whether any of `permissions` is held as `where` says, for a thing that `scopes` limit."""
        if self.is_super or self.permission == Permission.SUPER_USER:
            return True
        if self.permission not in permissions:
            return False
        if where is Where.EVERYWHERE:
            return self.scope is None
        return where is Where.SOMEWHERE or self.scope not in scopes or self.is_this

    def is_asked_about(self, *permissions: Permission) -> bool:
        """Whether their answer could differ from that of one who holds the permission without limits."""
        return self.scope is None or self.permission in permissions

    def expected(self, rule: Rule, *, method: str) -> int | None:
        """The status that tells them that they are not let in; None if they are."""
        if rule.kind is Kind.PUBLIC:
            return None
        if not self.has_account or not self.is_active:
            return 401
        if self.only_reads and method not in {"GET", "HEAD"}:
            return 403
        if rule.kind in {Kind.ACCOUNT, Kind.LIST}:
            return None
        if rule.kind is Kind.ANOTHERS:
            return 404
        if self.holds(rule.do, where=rule.where, scopes=rule.scopes):
            return None
        sees = rule.kind is Kind.ACTION or self.holds(rule.see, where=rule.where, scopes=rule.scopes)
        return 403 if sees else 404

    def user(self) -> User:
        """Their account."""
        made = User.objects.create_user("actor", password=None, is_superuser=self.is_super, is_staff=True)
        if self.permission is not None:
            grant(made, self.permission, **self._limits())
        return made

    def _limits(self) -> dict[str, Any]:
        if self.scope is None:
            return {}
        if self.scope == "host" and self.permission in (P.CREATE_JOBS, P.VIEW_JOBS, P.MANAGE_JOBS) and self.is_this:
            return {"is_default_host": True}  # the job asks for no host
        name = THIS[self.scope] if self.is_this else "other"
        return {self.scope: MODELS[self.scope]._default_manager.get(name=name)}

    def api(self) -> APIClient:
        """How they use the API: by a token."""
        client = APIClient(raise_request_exception=True)
        if self.has_account:
            user = self.user()
            _row, token = Token.objects.create(user, is_read_only=self.only_reads)  # type: ignore[no-untyped-call]
            client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
            self._disable(user)
        return client

    def browser(self) -> Client:
        """How they use the pages: signed in."""
        client = Client()
        if self.has_account:
            user = self.user()
            client.force_login(user)
            self._disable(user)
        return client

    def _disable(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(is_active=self.is_active)


P = Permission


def _limited(permission: Permission) -> Iterator[Actor]:
    yield Actor(f"{permission} anywhere", permission)
    for scope in LIMITS.get(permission, ()):
        for is_this in (True, False):
            yield Actor(f"{permission} on {'this' if is_this else 'another'} {scope}", permission, scope, is_this)


ACTORS: Final = [
    Actor("nobody", has_account=False),
    Actor("without a grant"),
    Actor("superuser", is_super=True),
    Actor("superuser who is disabled", is_super=True, is_active=False),
    Actor("superuser by a token that only reads", is_super=True, only_reads=True),
    *(actor for permission in Permission for actor in _limited(permission)),
]
PEOPLE: Final = [actor for actor in ACTORS if not actor.only_reads]
