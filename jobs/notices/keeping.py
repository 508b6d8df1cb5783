"""The addresses of subscriptions, which are stored sealed."""

from __future__ import annotations

from typing import Final

from jobs.models import Subscription

COLUMN: Final = Subscription._meta.get_field("secret_url")


def keep_address(row: Subscription, url: str) -> None:
    """Store `url` for a subscription that has its number. Raises SecretsUnusable."""
    row.secret_url = COLUMN.seal(url, pk=row.pk)
    row.save(update_fields=["secret_url"])


def address_of(row: Subscription) -> str:
    """Where the subscriber is told. Raises SecretsUnusable."""
    return COLUMN.open(row.secret_url, pk=row.pk)
