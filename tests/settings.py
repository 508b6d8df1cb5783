"""The site's settings for tests: a data directory of their own, nothing from the environment of a real site.

A module rather than a fixture, because settings are read before any fixture runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

OWN = ("BATCHYARD_", "DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG")
for name in [name for name in os.environ if name.startswith(OWN) and name != "BATCHYARD_FUZZ"]:
    del os.environ[name]
DATA_DIRECTORY = Path(tempfile.mkdtemp(prefix="batchyard-tests-"))
atexit.register(shutil.rmtree, DATA_DIRECTORY, ignore_errors=True)
os.environ["BATCHYARD_DATA_DIR"] = str(DATA_DIRECTORY)
# All tests of a process sign in from one address.
os.environ["BATCHYARD_LOGINS_PER_MINUTE"] = "100000"
# Processes that tests start are real ones: they take the site's settings, with this directory unless told otherwise.
os.environ["DJANGO_SETTINGS_MODULE"] = "scheduler_site.settings"

from scheduler_site.settings import *  # noqa: E402, F403
from scheduler_site.settings import DATABASES  # noqa: E402

# A real file: an in-memory database has neither locks nor a journal.
DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIRECTORY / "tests.sqlite3")}
# Argon2 is slow on purpose; tests of passwords say so themselves.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Pages in tests name static files as they lie in the checkout; sites of real processes collect theirs.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = None  # type: ignore[assignment]
WHITENOISE_USE_FINDERS = True
# Looks for a file when it is asked for, not for all of them whenever a test opens a browser.
WHITENOISE_AUTOREFRESH = True
