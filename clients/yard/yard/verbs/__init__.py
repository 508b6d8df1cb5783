"""The verbs, by the noun they are about."""

from __future__ import annotations
