"""Edges that speak the words of other systems."""
