"""Puts expansions of the parameters' variables into a script, in one pass that follows the shell's quoting. Pure."""

from __future__ import annotations
