"""Form fields of the admin pages for values that the database keeps as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.forms import CharField, JSONField
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_site.admin_parts import CodeArea, TextArea

# What JSON can say and no encoding can: a half of a pair.
HALF: Final = re.compile("[\ud800-\udfff]")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class ObjectField(JSONField):
    """A JSON object; `{}` where nothing is given."""

    default_error_messages = {  # noqa: RUF012  (as Django's own fields have it)
        "invalid": gettext_lazy('This is not JSON. Write it like {"name": "value"}, with double quotes.'),
        "too_deep": gettext_lazy("This is nested too deeply. Write one object with a text for each name."),
        "no_text": gettext_lazy("This holds half a character (\\ud800 to \\udfff). Write the character itself."),
        "no_object": gettext_lazy('This is not a JSON object. Write it like {"name": "value"}.'),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "initial": dict, "widget": CodeArea(rows=6), **options})

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        except RecursionError as deep:
            raise ValidationError(self.error_messages["too_deep"], code="too_deep") from deep
        if found is None:
            return {}
        if HALF.search(json.dumps(found, ensure_ascii=False)):
            raise ValidationError(self.error_messages["no_text"], code="no_text")
        if not isinstance(found, dict):
            raise ValidationError(self.error_messages["no_object"], code="no_object")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was written, as it was written."""
        return InvalidJSONInput("" if data is None else data)

    def prepare_value(self, value: Any) -> Any:
        return (
            json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else super().prepare_value(value)
        )


class VariablesField(ObjectField):
    """Text by name, as a JSON object. `reserved` names are refused."""

    def __init__(self, *, reserved: Collection[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self._reserved = reserved

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        problems = [problem for name, text in found.items() for problem in self._problems(name, text)]
        if problems:
            raise ValidationError(problems)
        return found

    def _problems(self, name: str, text: object) -> list[str]:
        told = {"name": name[:60]}
        if not NAME.fullmatch(name):
            return [
                _('"%(name)s" is not a name. Possible: up to 64 letters a-z, digits and _, not starting with a digit.')
                % told
            ]
        if name in self._reserved:
            return [_('"%(name)s" is set by the site or the shell itself. Choose another name.') % told]
        if not isinstance(text, str) or "\0" in text:
            return [_('The value of "%(name)s" is not text. Put it in double quotes.') % told]
        return []


class SecretText(CharField):
    """Text that is taken as it is, but for line breaks, which become those of Unix."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"strip": False, **options})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class LinesField(CharField):
    """A list of texts, one per line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "widget": TextArea(rows=3), **options})

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in (value or "").splitlines())
        return [line for line in lines if line]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))
