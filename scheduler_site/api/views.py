"""What the views of the API have in common: who asks is known, and nobody may do what no view has allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend, FilterSet  # type: ignore[import-untyped]
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import policy
from accounts.models import User
from scheduler_site.api.paging import PAGE_WORDS, check_words


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Filters by the view's `filterset_class`; refuses parameters that nobody reads."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filters: type[FilterSet] | None = getattr(view, "filterset_class", None)
        check_words(request.query_params, [*(filters.base_filters if filters else ()), *PAGE_WORDS])
        return cast(QuerySet[Any], super().filter_queryset(request, queryset, view))


def caller(request: Request) -> User:
    """Whose request it is."""
    return cast(User, request.user)


class NamedViews(GenericViewSet[Any]):
    """List, create, show, change and remove rows that have a name.

    A subclass says how rows are defined and removed; both are plain functions that other edges share.
    """

    lookup_field = "name"
    lookup_value_regex = "[A-Za-z0-9_.-]{1,100}"
    filter_backends = (StrictFilters,)
    ordering: ClassVar[tuple[str, ...]] = ("name",)
    # The column that holds the name.
    name_field: ClassVar[str] = "name"

    def define(self, data: Any, row: Any | None) -> Model:
        """Check `data` and save it as a new row, or as changes of `row`. Raises Problems."""
        raise NotImplementedError

    def remove(self, row: Any, request: Request) -> None:
        """Remove `row`, or raise Refused saying what needs it."""
        raise NotImplementedError

    def list(self, request: Request) -> Response:
        rows = policy.visible(caller(request), self.get_queryset())
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.answers(page or []))

    def create(self, request: Request) -> Response:
        policy.require(caller(request), "add", self.model)
        row = self.define(request.data, None)
        return Response(self._detail(row.pk), status=201)

    def retrieve(self, request: Request, name: str) -> Response:
        row = self._row(request, name)
        return Response(self._detail(row.pk))

    def partial_update(self, request: Request, name: str) -> Response:
        row = self._row(request, name, verb="change")
        changed = self.define(request.data, row)
        return Response(self._detail(changed.pk))

    def destroy(self, request: Request, name: str) -> Response:
        row = self._row(request, name, verb="delete")
        self.remove(row, request)
        return Response(status=204)

    def _row(self, request: Request, name: str, *, verb: str = "view") -> Any:
        return policy.named_for(caller(request), self.get_queryset(), name, verb=verb, field=self.name_field)

    @property
    def model(self) -> type[Model]:
        return cast("type[Model]", self.get_queryset().model)

    def answers(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The JSON of a page of a list."""
        return [self.answer(row) for row in rows]

    def answer(self, row: Any) -> Any:
        """The JSON of `row` in lists."""
        return self.get_serializer(row).data

    def _detail(self, pk: int) -> Any:
        return self.answer(self.get_queryset().get(pk=pk))
