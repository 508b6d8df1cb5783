"""Times as people write them, in their own zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from yard.failures import Usage

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS: Final = {
    "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "d": 86400, "day": 86400, "w": 604800, "week": 604800,
}  # fmt: skip
SPAN: Final = re.compile(r"([0-9]{1,6}) ?([a-z]+)", re.ASCII)
CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII)
DATES: Final = (
    (re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", re.ASCII), (1, 2, 3)),
    (re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", re.ASCII), (1, 2, 3)),
    (re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", re.ASCII), (3, 2, 1)),
)
HINT: Final = 'Possible: now, 22:00, "tomorrow 6:30", "in 2 hours", "next monday", "2026-01-31 22:00", 31.01.2026.'

PAST_DAY_HINT: Final = 'Possible: today, yesterday, "2 weeks", 2026-01-31, 31.01.2026.'
PAST_HINT: Final = 'Possible: "2 days", 12h, 22:00, today, "yesterday 6:30", "2026-01-31 22:00", 31.01.2026.'


def moment(text: str, *, at: datetime) -> datetime:
    """The UTC time that `text` means when it is `at`, whose zone is that of the reader. Raises Usage."""
    words = " ".join(text.lower().split())
    try:
        found = _exact(text.strip()) or _moment(words, at)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Usage(f"{text[:60]!r} is not a time.", hint=HINT, code="bad_time")
    return found


def past(text: str, *, at: datetime) -> datetime:
    """The UTC time that `text` means when it looks back from `at`: "2 days" is so long ago. Raises Usage."""
    words = " ".join(text.lower().split())
    try:
        found = _past(words.removesuffix(" ago"), at) or moment(text, at=at)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Usage(f"{text[:60]!r} is not a time.", hint=PAST_HINT, code="bad_time")
    if found > at:
        raise Usage(f"{text[:60]!r} is still to come.", hint=PAST_HINT, code="bad_time")
    return found


def past_day(text: str, *, at: datetime) -> date:
    """The day that `text` means when it looks back from `at`, where `at` is. Raises Usage."""
    words = " ".join(text.lower().split())
    try:
        is_span = SPAN.fullmatch(words.removesuffix(" ago"))
        found = (at - span(words.removesuffix(" ago"))).date() if is_span else _past_day(words, at.date())
    except (ValueError, OverflowError):
        found = None
    if found is None or found > at.date():
        raise Usage(f"{text[:60]!r} is no day that has been.", hint=PAST_DAY_HINT, code="bad_time")
    return found


def _past_day(words: str, today: date) -> date | None:
    return today - timedelta(days=1) if words == "yesterday" else _day(words, today)


def _past(words: str, at: datetime) -> datetime | None:
    """A length of time ago, yesterday, or the last time that a clock showed so; None for everything else."""
    if not words:
        return None
    if SPAN.fullmatch(words):
        return at.astimezone(UTC) - span(words)
    day, clock = _split(words)
    if day == "yesterday":
        return _local(at.date() - timedelta(days=1), clock, at)
    if day:
        return None
    today = _local(at.date(), clock, at)
    return today if today <= at.astimezone(UTC) else _local(at.date() - timedelta(days=1), clock, at)


def span(text: str) -> timedelta:
    """What `text` such as "90 days" or "12h" lasts. Raises Usage."""
    match = SPAN.fullmatch(text.strip().lower())
    seconds = UNITS.get(match[2].removesuffix("s") or match[2], UNITS.get(match[2])) if match else None
    if match is None or not seconds or int(match[1]) == 0:
        raise Usage(f"{text[:60]!r} is not a length of time.", hint='Possible: 12h, "90 days", 2w.', code="bad_time")
    return timedelta(seconds=int(match[1]) * seconds)


def _exact(text: str) -> datetime | None:
    """ISO 8601 with an offset; None for everything else."""
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", text, re.ASCII):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _moment(words: str, at: datetime) -> datetime | None:
    if not words:
        return None
    if words == "now":
        return at.astimezone(UTC)
    if words.startswith(("in ", "+")):
        return at.astimezone(UTC) + span(words.removeprefix("in ").removeprefix("+"))
    day_words, clock = _split(words.replace("t", " ", 1) if re.match(r"[0-9]{4}-", words) else words)
    if not day_words:
        today = _local(at.date(), clock, at)
        return today if today > at.astimezone(UTC) else _local(at.date() + timedelta(days=1), clock, at)
    day = _day(day_words, at.date())
    return None if day is None else _local(day, clock, at)


def _split(words: str) -> tuple[str, time]:
    """What is said of the day, and the time of day: midnight if none is said."""
    day, _, last = words.rpartition(" ")
    match = CLOCK.fullmatch(last)
    if match is None:
        return words, time()
    return day.removesuffix(" at"), time(int(match[1]), int(match[2]), int(match[3] or 0))


def _day(words: str, today: date) -> date | None:
    named = {"today": 0, "tomorrow": 1}
    if words in named:
        return today + timedelta(days=named[words])
    weekday = words.removeprefix("next ").removeprefix("on ")
    if weekday in WEEKDAYS:
        return today + timedelta(days=(WEEKDAYS.index(weekday) - today.weekday() - 1) % 7 + 1)
    for pattern, (year, month, day) in DATES:
        if match := pattern.fullmatch(words):
            return date(int(match[year]), int(match[month]), int(match[day]))
    return None


def _local(day: date, clock: time, at: datetime) -> datetime:
    """The first moment with that wall-clock time; one that daylight saving skips is refused."""
    wall = datetime.combine(day, clock)
    # Without a zone astimezone() takes the machine's; `at` has another only where it is given one.
    zone = getattr(at.tzinfo, "key", None) and at.tzinfo
    found = (wall.replace(tzinfo=zone) if zone else wall.astimezone()).astimezone(UTC)
    again = found.astimezone(zone) if zone else found.astimezone()
    if again.replace(tzinfo=None) != wall:
        raise Usage(f"{wall:%Y-%m-%d %H:%M} does not exist here: the clocks are put forward.", code="bad_time")
    return found


def told(text: str | None, *, at: datetime) -> str:
    """A time of the API in the zone of `at`, as short as can be: the day only if it is another. "" for none."""
    if not text:
        return ""
    then = datetime.fromisoformat(text).astimezone(at.tzinfo if getattr(at.tzinfo, "key", None) else None)
    return f"{then:%H:%M:%S}" if then.date() == at.date() else f"{then:%Y-%m-%d %H:%M}"


def lasted(begin: str | None, end: str | None, *, at: datetime) -> str:
    """How long it is from `begin` to `end`, or to `at`; "" without a begin."""
    if not begin:
        return ""
    until = datetime.fromisoformat(end) if end else at
    seconds = max(0, int((until - datetime.fromisoformat(begin)).total_seconds()))
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock
