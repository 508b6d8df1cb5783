"""Answers Django's own question, `user.has_perm`, from grants: so every edge and the admin pages ask the same."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from accounts.rights import OPENED_BY, Person, place_of, rights_of

APPS = frozenset(asked.split(".")[0] for asked in OPENED_BY)


class GrantBackend(ModelBackend):
    """Accounts with passwords, as Django has them; of its model permissions none counts."""

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        """Whether the user may, to `obj`; without one, to anything of its kind."""
        return rights_of(user_obj).has(perm, place_of(obj) if obj is not None else {})

    async def ahas_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        return await sync_to_async(self.has_perm)(user_obj, perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        rights = rights_of(user_obj)
        return rights.is_super or (app_label in APPS and any(rights.of(asked) for asked in _of(app_label)))

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return await sync_to_async(self.has_module_perms)(user_obj, app_label)

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return self.get_all_permissions(user_obj, obj)

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """None apart: a group's grants are told with those of the user."""
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        person: Person = user_obj
        return {asked for asked in OPENED_BY if self.has_perm(person, asked, obj)}


def _of(app_label: str) -> list[str]:
    return [asked for asked in OPENED_BY if asked.startswith(f"{app_label}.")]
