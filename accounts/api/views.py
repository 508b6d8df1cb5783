"""Users, groups and grants. Only who may do everything changes them; people see what is their own."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib.auth.models import Group
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import policy
from accounts.granting import GrantForm, define_grant, remove_grant
from accounts.models import Grant, Permission, User
from accounts.people import (
    GroupForm,
    UserForm,
    change_own_password,
    define_group,
    define_user,
    remove_group,
    remove_user,
)
from scheduler_site.api.views import NamedViews, StrictFilters, caller


class UserAnswer(serializers.ModelSerializer[User]):
    """An account."""

    name = serializers.CharField(source="username")
    email = serializers.CharField()
    enabled = serializers.BooleanField(source="is_active")
    staff = serializers.BooleanField(source="is_staff")
    superuser = serializers.BooleanField(source="is_superuser")
    groups = serializers.SlugRelatedField[Group](slug_field="name", many=True, read_only=True)
    created_at = serializers.DateTimeField(source="date_joined")
    last_login_at = serializers.DateTimeField(source="last_login", allow_null=True)

    class Meta:
        model = User
        fields = ("name", "email", "enabled", "staff", "superuser", "groups", "created_at", "last_login_at")
        read_only_fields = fields


@extend_schema_view(
    create=extend_schema(request=UserForm, responses={201: UserAnswer}),
    partial_update=extend_schema(request={"application/json": UserForm(partial=True)}, responses=UserAnswer),
)
class UserViews(NamedViews):
    """Accounts."""

    queryset = User.objects.prefetch_related("groups")
    serializer_class = UserAnswer
    name_field = "username"
    lookup_value_regex = r"[\w.@+-]{1,150}"
    ordering = ("username",)

    def define(self, data: Any, row: User | None) -> User:
        return define_user(data, user=row)

    def partial_update(self, request: Request, name: str) -> Response:
        """Change what is sent. Of their own account people may change the password, with the present one."""
        user = caller(request)
        if name == user.get_username() and not policy.is_super(user):
            return Response(self._detail(change_own_password(user, request.data).pk))
        return super().partial_update(request, name)

    def remove(self, row: User, request: Request) -> None:
        remove_user(row)


class GroupAnswer(serializers.ModelSerializer[Group]):
    """People who may do the same."""

    users = serializers.SerializerMethodField()

    class Meta:
        model = Group
        fields = ("name", "users")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_users(self, group: Group) -> list[str]:
        return sorted(user.get_username() for user in group.user_set.all())


@extend_schema_view(
    create=extend_schema(request=GroupForm, responses={201: GroupAnswer}),
    partial_update=extend_schema(request=GroupForm(partial=True), responses=GroupAnswer),
)
class GroupViews(NamedViews):
    """Groups of accounts."""

    queryset = Group.objects.prefetch_related("user_set")
    serializer_class = GroupAnswer
    lookup_value_regex = "[^/]{1,150}"

    def define(self, data: Any, row: Group | None) -> Group:
        return define_group(data, group=row)

    def remove(self, row: Group, request: Request) -> None:
        remove_group(row)


class GrantAnswer(serializers.ModelSerializer[Grant]):
    """Lets a user, or all of a group, do one kind of thing: anywhere, or within all the limits it names."""

    user = serializers.SlugRelatedField[User](slug_field="username", read_only=True, allow_null=True)
    group = serializers.SlugRelatedField[Group](slug_field="name", read_only=True, allow_null=True)
    permission = serializers.ChoiceField(Permission.values)
    queue = serializers.SerializerMethodField()
    type = serializers.SerializerMethodField()
    host = serializers.SerializerMethodField()
    pool = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        fields = ("id", "user", "group", "permission", "queue", "type", "host", "pool", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_queue(self, grant: Grant) -> str | None:
        return grant.limits().get("queue")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_type(self, grant: Grant) -> str | None:
        return grant.limits().get("type")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_host(self, grant: Grant) -> str | None:
        return grant.limits().get("host")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_pool(self, grant: Grant) -> str | None:
        return grant.limits().get("pool")


class GrantFilters(filters.FilterSet):  # type: ignore[misc]
    """By whom and what is named. What a queue's grants are is what goes with the queue."""

    user = filters.CharFilter("user__username", help_text="User name.")
    group = filters.CharFilter("group__name", help_text="Name of a group.")
    permission = filters.CharFilter("permission", help_text="Such as ViewJobs.")
    queue = filters.CharFilter("queue__name", help_text="Name of a queue.")
    type = filters.CharFilter("type__name", help_text="Name of a job type.")
    host = filters.CharFilter("host__name", help_text="Name of a host.")
    pool = filters.CharFilter("pool__name", help_text="Name of a pool.")


class GrantViews(GenericViewSet[Grant]):
    """Who may do what. A grant is made and removed, never changed."""

    queryset = Grant.objects.select_related("user", "group", "queue", "type", "host", "pool")
    serializer_class = GrantAnswer
    filter_backends = (StrictFilters,)
    filterset_class = GrantFilters
    lookup_value_regex = "[0-9]{1,18}"
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    def list(self, request: Request) -> Response:
        rows = policy.visible(caller(request), self.get_queryset())
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page or [], many=True).data)

    @extend_schema(request=GrantForm, responses={201: GrantAnswer})
    def create(self, request: Request) -> Response:
        policy.require(caller(request), "add", Grant)
        made = define_grant(request.data)
        return Response(self.get_serializer(self.get_queryset().get(pk=made.pk)).data, status=201)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(policy.row_for(caller(request), self.get_queryset(), int(pk))).data)

    def destroy(self, request: Request, pk: str) -> Response:
        remove_grant(policy.row_for(caller(request), self.get_queryset(), int(pk), verb="delete"))
        return Response(status=204)


VIEWS: Final[dict[str, type[GenericViewSet[Any]]]] = {"users": UserViews, "groups": GroupViews, "grants": GrantViews}
