"""Admin pages that ask the policy, row by row, as every other edge does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.utils import unquote
from django.db.models import Field, ForeignKey, Model, Q, QuerySet
from django.forms import ModelChoiceField
from django.forms.models import _get_foreign_key
from django.http import HttpRequest

from accounts import audit, policy
from accounts.models import User
from scheduler_site.typed_admin import ModelAdmin, TabularInline

Row = TypeVar("Row", bound=Model)


def person(request: HttpRequest) -> User:
    """Who looks at the pages, which nobody does without an account."""
    return cast(User, request.user)


class VisibleFilter(RelatedFieldListFilter):
    """Offers only what the user may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Any:
        seen = policy.visible(person(request), field.related_model._default_manager.all())
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to={"pk__in": seen.values("pk")})


class PolicedChoices:
    """Lets forms refer to what the user may see, and to what the row refers to already."""

    def offered(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of `rows` that a form lets choose."""
        return policy.visible(person(request), rows)

    def rows_of(self, number: str) -> QuerySet[Any]:
        """The rows whose forms are on the page of this number."""
        raise NotImplementedError

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and field.queryset is not None:
            wanted = Q(pk__in=self.offered(request, field.queryset).values("pk"))
            number = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
            if number is not None:
                # Otherwise saving the page would clear what the user does not see.
                wanted |= Q(pk__in=self.rows_of(unquote(number)).values(db_field.attname))
            field.queryset = field.queryset.filter(wanted)
        return field


class PolicedInline(PolicedChoices, TabularInline[Row, Any]):
    """Parts of a row, on its page."""

    def rows_of(self, number: str) -> QuerySet[Any]:
        parent = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)
        return self.model._base_manager.filter(**{parent.name: number})


class PolicedAdmin(PolicedChoices, ModelAdmin[Row]):
    """Shows, offers and lets change what the policy says, row by row."""

    def rows_of(self, number: str) -> QuerySet[Any]:
        return self.model._base_manager.filter(pk=number)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return policy.may(person(request), "view", obj or self.model)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return policy.may(person(request), "add", self.model)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return policy.may(person(request), "change", obj or self.model)

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return policy.may(person(request), "delete", obj or self.model)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        return policy.visible(person(request), super().get_queryset(request))

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [self._policed(one) for one in super().get_list_filter(request)]

    def _policed(self, one: Any) -> Any:
        if not isinstance(one, str) or "__" in one:
            return one
        field: Field[Any, Any] = cast("Field[Any, Any]", self.model._meta.get_field(one))
        return (one, VisibleFilter) if field.is_relation else one

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: bool) -> None:
        form.audit_before = audit.stored(obj)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.record(form)

    def record(self, form: Any) -> None:
        """Write what a form has changed into the audit, unless the stage that saved it has done so."""
        if hasattr(form, "audit_before"):
            audit.record_change(form.instance, form.audit_before)

    def delete_model(self, request: HttpRequest, obj: Row) -> None:
        with audit.removed(obj):
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def not_permitted(self, request: HttpRequest, verb: str, rows: Sequence[Row] | QuerySet[Row]) -> set[str]:
        """The kind of rows, in words, if `verb` is not permitted for all of `rows`: as Django's pages take it."""
        denied = any(not policy.may(person(request), verb, row) for row in rows)
        return {str(self.model._meta.verbose_name)} if denied else set()
