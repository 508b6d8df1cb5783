"""unfold's admin classes, which may be written with the type of their rows: `ModelAdmin[Job]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from unfold import admin as unfold

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
    ModelForm = forms.ModelForm
    BaseInlineFormSet = forms.BaseInlineFormSet
else:

    class _Subscriptable:
        def __class_getitem__(cls, _row: object) -> type:
            return cls

    class ModelAdmin(_Subscriptable, unfold.ModelAdmin):
        pass

    class TabularInline(_Subscriptable, unfold.TabularInline):
        pass

    class ModelForm(_Subscriptable, forms.ModelForm):
        pass

    class BaseInlineFormSet(_Subscriptable, unfold.PaginationInlineFormSet):
        pass
