"""The page about reliability has every fault, as it is."""

from __future__ import annotations

import re

from tests.docs.pages import text_of
from tests.lab.__main__ import FAULT_MODULES
from tests.lab.fault import BOTH, CATALOGUE, Fault

ROW = re.compile(r"^\| `(F\d+-[a-z-]+)` \| (\w+) \| (yes|no) \| (.*?) \|", re.MULTILINE)


def row(fault: Fault) -> tuple[str, str, str, str]:
    shapes = "both" if fault.shapes == BOTH else fault.shapes[0]
    return (fault.code, shapes, "yes" if fault.is_random else "no", fault.expected)


def test_every_fault_has_a_row_that_says_what_is_expected() -> None:
    assert len(FAULT_MODULES) > 1

    assert sorted(ROW.findall(text_of("docs/reliability.md"))) == sorted(map(row, CATALOGUE.faults))
