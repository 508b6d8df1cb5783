"""Figures of the site: as they are now, and how they were."""
