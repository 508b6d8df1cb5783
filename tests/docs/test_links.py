"""Links between the project's pages lead somewhere, and pages stand alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages, anchor, headings, text_of

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")


def is_broken(page: Path, target: str) -> bool:
    """Whether a link of `page` within the project leads nowhere."""
    path, _, fragment = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists():
        return True
    name = str(there.relative_to(ROOT))
    return bool(fragment) and fragment not in {anchor(heading) for heading in headings(name)}


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_internal_links_resolve(page: Path) -> None:
    links = LINK.findall(text_of(str(page.relative_to(ROOT))))

    assert [link for link in links if not ELSEWHERE.match(link) and is_broken(page, link)] == []


def test_readme_leads_to_every_part_of_the_documentation() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = (link.partition("#")[0] for link in LINK.findall(text_of(str(page.relative_to(ROOT)))))
        waiting += [path for t in targets if t.endswith(".md") and (path := (page.parent / t).resolve()).is_file()]

    assert set(all_pages()) - reached == set()


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("0*.md")), ids=lambda page: page.stem)
def test_a_decision_tells_its_context_and_consequences_on_one_page(page: Path) -> None:
    name = str(page.relative_to(ROOT))

    assert headings(name)[1:] == ["Context", "Decision", "Consequences"]
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 60
