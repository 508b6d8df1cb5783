"""Accounts and what they may do."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.granting import define_grant, remove_grant
from accounts.models import Grant, Permission, User
from accounts.people import define_user
from jobs.compat.batchd.edge import DONE, BatchdView, body_of, needed, renamed
from jobs.compat.batchd.shapes import permission_json
from jobs.problems import Problem, Problems
from scheduler_site.api.views import caller

# The permissions that its clients know; others are told by the site's own API.
KNOWN: Final = (
    Permission.SUPER_USER, Permission.CREATE_JOBS, Permission.VIEW_JOBS, Permission.MANAGE_JOBS,
    Permission.VIEW_QUEUES, Permission.MANAGE_QUEUES, Permission.VIEW_SCHEDULES, Permission.MANAGE_SCHEDULES,
)  # fmt: skip
KEYS: Final = {"permission": "permission", "queue_name": "queue", "type_name": "type", "host_name": "host"}


def user_of_right(request: Request, name: str) -> User:
    """The account of that name, for whoever may do everything. Raises PermissionDenied, Missing."""
    policy.require_super(caller(request))
    user = User.objects.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise policy.Missing(Problem("not_found", f'There is no user "{name[:100]}".'))
    return user


class UsersView(BatchdView):
    """All accounts, by name."""

    def get(self, request: Request) -> Response:
        policy.require_super(caller(request))
        return Response(list(User.objects.order_by("username").values_list("username", flat=True)))

    def post(self, request: Request) -> Response:
        """Make one."""
        policy.require_super(caller(request))
        told = body_of(request)
        given = {"name": needed(told, "name", str), "password": needed(told, "password", str)}
        return Response(define_user(given).get_username())


class UserView(BatchdView):
    """One account: its password may be changed, one's own by whoever has just given the present one."""

    def put(self, request: Request, name: str) -> Response:
        user = self._user(request, name)
        told = body_of(request)
        password = needed(told, "password", str)
        if needed(told, "name", str) != user.get_username():
            raise Problems([Problem("wrong_name", f'This is user "{user}"; another name cannot be given.', "name")])
        define_user({"password": password}, user=user)
        return Response(DONE)

    def _user(self, request: Request, name: str) -> User:
        user = caller(request)
        if user.get_username() != name or policy.is_super(user):
            return user_of_right(request, name)
        if request.auth is not None:
            raise PermissionDenied("A token does not know the present password; use Basic.")
        return User.objects.get(pk=user.pk)


class PermissionsView(BatchdView):
    """The grants to one account. (Those of its groups are told by the site's own API.)"""

    def get(self, request: Request, name: str) -> Response:
        rows = Grant.objects.filter(user=user_of_right(request, name), permission__in=KNOWN)
        told = rows.select_related("user", "queue", "type", "host", "pool").order_by("pk")
        return Response([permission_json(grant) for grant in told])

    def post(self, request: Request, name: str) -> Response:
        """Give one."""
        user = user_of_right(request, name)
        told: dict[str, Any] = renamed(body_of(request), KEYS)
        return Response(define_grant({"user": user.get_username(), **told}).pk)


class PermissionView(BatchdView):
    """One grant, to be taken away."""

    def delete(self, request: Request, name: str, pk: str) -> Response:
        user = user_of_right(request, name)
        row = Grant.objects.filter(user=user, pk=int(pk)).first() if int(pk) < policy.ID_LIMIT else None
        if row is None:
            raise policy.Missing(Problem("not_found", f'User "{user}" has no permission {pk}.'))
        remove_grant(row)
        return Response(DONE)
