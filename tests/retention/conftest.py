from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture(autouse=True)
def own_output(settings: LazySettings, tmp_path: Path) -> None:
    """Each test has its own output."""
    settings.BATCHYARD_OUTPUT_DIR = settings.BATCHYARD_STORE = tmp_path / "output"
