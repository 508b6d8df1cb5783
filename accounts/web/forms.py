from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

FOR_EVER: Final = "0"
PERIODS: Final = (("30", _("30 days")), ("90", _("90 days")), ("365", _("one year")), (FOR_EVER, _("until revoked")))


def one_line(text: str) -> None:
    """Raises ValidationError for characters that could hide what a name says."""
    if not text.isprintable():
        raise ValidationError(_("A name is one line of printable characters."))


class TokenForm(forms.Form):
    """What a new token is for, and for how long."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        validators=[one_line],
        help_text=_("What it is for, so that you know later which one to revoke."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("nightly report on build1")}),
    )
    days = forms.ChoiceField(label=_("Valid for"), choices=PERIODS, initial="90")
    is_read_only = forms.BooleanField(
        label=_("Only reads"), required=False, help_text=_("It shows what you may see, and can change nothing.")
    )

    def described(self) -> dict[str, Any]:
        """The columns of the token. For a form that is valid."""
        return {name: self.cleaned_data[name] for name in ("name", "is_read_only")}

    def period(self) -> timedelta | None:
        """How long it is valid; None: until revoked. For a form that is valid."""
        given: dict[str, Any] = self.cleaned_data
        return None if given["days"] == FOR_EVER else timedelta(days=int(given["days"]))
