"""One module for each measurement: `measure(plan)` gives its rows."""

from __future__ import annotations
