"""How every part of the site writes its log: to standard error, one line an event, times in UTC."""

from __future__ import annotations

import logging
from datetime import UTC, datetime


class OneLine(logging.Formatter):
    """`2026-01-31T23:59:59.123Z WARNING jobs.dispatch: text`; line ends within the text are escaped.

    Text may come from people and hosts: unescaped it could forge a line. A traceback follows on lines of its own.
    """

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        at = datetime.fromtimestamp(record.created, tz=UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = f"{record.asctime} {record.levelname} {record.name}: {record.message}"
        return line.replace("\r", "\\r").replace("\n", "\\n")

    def usesTime(self) -> bool:  # noqa: N802
        return True


class NotOfHealth(logging.Filter):
    """Drops the lines about answers of /healthz."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        return getattr(request, "path", "") != "/healthz"


def logging_settings(*, level: str) -> dict[str, object]:
    """Django's LOGGING: everything of `level` and above to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_health": {"()": "scheduler_site.logs.NotOfHealth"}},
        "formatters": {"line": {"()": "scheduler_site.logs.OneLine"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would repeat each line, or mail it.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # Whoever asks for the health of a site that is starting gets the answer; the log needs no line.
            "django.request": {"filters": ["no_health"]},
            # One line for each key exchange and channel is no news.
            "paramiko": {"level": "WARNING"},
            # One line for each received ring, several a second.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
        },
    }
