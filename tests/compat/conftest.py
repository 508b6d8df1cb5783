"""The API as its clients see it, over rows and files of each test's own."""

from __future__ import annotations

from tests.api.conftest import alice, api, job, own_directories, site

__all__ = ["alice", "api", "job", "own_directories", "site"]
