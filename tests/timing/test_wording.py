"""A timetable in words."""

from __future__ import annotations

from datetime import time

import pytest

from jobs.timing.windows import DatedException, Holidays, Timetable, Window
from jobs.timing.wording import describe
from tests.timing.builders import BERLIN, FRIDAY, MONDAY, SATURDAY, SUNDAY, WEDNESDAY, on_dates, timetable

CHRISTMAS = on_dates("2026-12-24", "2026-12-26")
CHRISTMAS_NAMED = DatedException(CHRISTMAS.first, CHRISTMAS.last, note="Christmas")
WORKDAYS = frozenset(range(MONDAY, SATURDAY))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        pytest.param(timetable(), "Always", id="nothing said"),
        pytest.param(
            timetable("22:00-06:00", weekdays={FRIDAY}, holidays=Holidays("DE")),
            "Friday 22:00 to 06:00 of the next day, Europe/Berlin; closed on holidays of DE",
            id="Friday night",
        ),
        pytest.param(
            timetable("08:00-12:00", "13:00-00:00", weekdays=WORKDAYS),
            "Monday to Friday 08:00 to 12:00 and 13:00 to midnight, Europe/Berlin",
            id="several periods",
        ),
        pytest.param(
            timetable(weekdays={MONDAY, WEDNESDAY, SATURDAY, SUNDAY}),
            "Monday, Wednesday, Saturday and Sunday the whole day, Europe/Berlin",
            id="weekdays only",
        ),
        pytest.param(
            timetable("06:00-06:00"), "Every day 06:00 to 06:00 of the next day, Europe/Berlin", id="24 hours"
        ),
        pytest.param(timetable("06:00:30-07:00"), "Every day 06:00:30 to 07:00, Europe/Berlin", id="seconds"),
        pytest.param(
            timetable(holidays=Holidays("DE", "BY")),
            "Every day, Europe/Berlin; closed on holidays of DE-BY",
            id="holidays only",
        ),
        pytest.param(timetable(holidays=Holidays("DE", effect="ignored")), "Always", id="ignored holidays"),
        pytest.param(
            Timetable(BERLIN, (Window(time(22), time(6), WORKDAYS), Window(weekdays=frozenset({SATURDAY})))),
            "Monday to Friday 22:00 to 06:00 of the next day and Saturday the whole day, Europe/Berlin",
            id="two windows",
        ),
        pytest.param(
            timetable(exceptions=(CHRISTMAS_NAMED, on_dates("2026-12-31", "2026-12-31", "08:00-10:00"))),
            "Every day, Europe/Berlin; closed 2026-12-24 to 2026-12-26 (Christmas); 2026-12-31 08:00 to 10:00",
            id="exceptions",
        ),
        pytest.param(
            timetable(exceptions=(CHRISTMAS,) * 5),
            "Every day, Europe/Berlin" + "; closed 2026-12-24 to 2026-12-26" * 3 + "; 2 more exceptions",
            id="many exceptions",
        ),
    ],
)
def test_a_timetable_is_one_sentence(table: Timetable, sentence: str) -> None:
    assert describe(table) == sentence
