"""Time rules as pure values and functions: windows, zones, dates. Nothing here asks the clock."""

from __future__ import annotations
