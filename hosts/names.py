"""The one rule for names of queues, types, schedules, hosts and pools."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
RESERVED = frozenset(
    {"new", "all", "none", "null", "true", "false", "bulk", "stream", "__proto__", "constructor", "__default__"}
)


def validate_name(value: str) -> None:
    """Refuse what cannot stand in an address, a file name or a command line.

    Raises ValidationError naming what is possible.
    """
    if not NAME.fullmatch(value) or set(value) == {"."}:
        raise ValidationError(
            _(
                "%(value)s is not a name. A name has 1 to 100 of the letters a-z and A-Z, digits, "
                "'_', '-' and '.', and begins with a letter, a digit or '_'."
            ),
            code="bad_name",
            params={"value": repr(value[:100])},
        )
    if value.lower() in RESERVED:
        raise ValidationError(
            _("%(value)s has a meaning of its own in addresses and cannot be a name. Choose another."),
            code="reserved_name",
            params={"value": repr(value)},
        )
