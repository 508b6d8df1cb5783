"""What passwords may be, beside what Django asks of them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.lockout import PASSWORD_LIMIT


class MaximumLengthValidator:
    """Refuses passwords that could never be used to sign in."""

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > PASSWORD_LIMIT:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return _("Your password can have at most %(count)d characters.") % {"count": PASSWORD_LIMIT}
