"""What tests of the admin pages ask of them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def text(answer: Any) -> str:
    """What a person reads on the page: without tags, each run of white space one blank."""
    bare = re.sub(r"<script.*?</script>|<[^>]*>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def fields_of(page: Client, address: str) -> dict[str, Any]:
    """The form of a page as it would be sent unchanged."""
    answer = page.get(address)
    assert answer.status_code == 200, text(answer)
    sent: dict[str, Any] = {}
    for form in [answer.context["adminform"].form, *_formset_forms(answer)]:
        for bound in form:
            value = bound.value()
            if value is True:
                sent[bound.html_name] = "on"
            elif isinstance(value, list | tuple):
                sent[bound.html_name] = value
            elif value is not None and value is not False:
                sent[bound.html_name] = str(value)
    return sent


def _formset_forms(answer: Any) -> list[Any]:
    found = []
    for inline in answer.context["inline_admin_formsets"]:
        found += [inline.formset.management_form, *inline.formset.forms]
    return found


def inline(prefix: str, *rows: dict[str, Any], kept: int = 0) -> dict[str, Any]:
    """The fields of an inline with these rows, the first `kept` of which are in the database."""
    sent: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": kept}
    for number, row in enumerate(rows):
        sent |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return sent
