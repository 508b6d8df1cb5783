from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import override_settings

from scheduler_site import collected

COMPRESSED = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}


@pytest.fixture
def source(settings: LazySettings, tmp_path: Path) -> Path:
    """A file among the site's static ones."""
    (tmp_path / "source").mkdir()
    file = tmp_path / "source" / "page.css"
    file.write_text("p { color: red }\n" * 100)
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.BATCHYARD_STATIC_DIR = tmp_path / "static"
    settings.STATIC_ROOT = tmp_path / "static" / "files"
    settings.WHITENOISE_KEEP_ONLY_HASHED_FILES = True
    return file


def names(source: Path) -> list[str]:
    return sorted(path.name for path in (source.parents[1] / "static" / "files").glob("page*"))


@override_settings(STORAGES=COMPRESSED)
def test_files_are_named_by_their_content_and_compressed(source: Path) -> None:
    collected.collect()

    address = staticfiles_storage.url("page.css").rpartition("/")[2]
    assert address != "page.css"
    assert names(source) == [address, f"{address}.gz"]


@override_settings(STORAGES=COMPRESSED)
def test_after_an_upgrade_the_new_content_has_another_name_and_the_old_one_stays(source: Path) -> None:
    collected.collect()
    before = names(source)
    source.write_text("p { color: green }\n" * 90)
    collected.collect()

    assert set(before) < set(names(source))
    assert len(names(source)) == 4


@override_settings(STORAGES=COMPRESSED)
def test_nothing_is_done_where_nothing_has_changed(source: Path) -> None:
    collected.collect()
    manifest = source.parents[1] / "static" / "files" / "staticfiles.json"
    os.utime(manifest, (1, 1))

    collected.collect()

    assert manifest.stat().st_mtime == 1
