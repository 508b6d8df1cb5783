"""Measures a site of this machine: `python -m bench`. docs/performance.md says what each row means."""

from __future__ import annotations
