"""Work over SSH: seats hold on the host itself, arguments arrive as they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.scenario

# Each job puts a mark beside those of the others on its host, and counts them.
COUNT_NEIGHBOURS = """
here={shared}/${{SSH_CONNECTION##* }}
mkdir -p $here
: > $here/$BATCHYARD_JOB
ls $here | wc -l
sleep 0.05
rm $here/$BATCHYARD_JOB
"""
PER_JOB = 50
NASTY = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.text(st.sampled_from("'\"$`\\!*?[]{}()<>|&;#~%^= \t\n\r-/"), max_size=20),
    st.sampled_from(
        ["", "-rf", "--help", "$(touch {canary})", "`touch {canary}`", "'; touch {canary}; '", "${{IFS}}", "*"]
    ),
)


@pytest.mark.meets("BD-37")
def test_two_hundred_jobs_over_two_hosts_never_pass_their_seats(
    shared_site: SiteUnderTest, sshd: Sshd, shared_sshd: Sshd, tmp_path: Path
) -> None:
    site = shared_site
    add_ssh_host(site, shared_sshd, name="left", seats=4)
    add_ssh_host(site, sshd, name="right", seats=4)
    site.post("pools", {"name": "both", "hosts": ["left", "right"]})
    site.post("queues", {"name": "pooled", "pool": "both"})
    command = COUNT_NEIGHBOURS.format(shared=tmp_path)

    ids = site.submit_many([{"queue": "pooled", "type": "command", "params": {"command": command}} for _ in range(200)])
    jobs = site.finished(ids, seconds=90)

    assert {job["state"] for job in jobs} == {"succeeded"}
    assert max(int(site.output(number)) for number in ids) <= 4
    assert set(Counter(job["attempts"][-1]["host"] for job in jobs)) == {"left", "right"}


@pytest.mark.meets("BD-30")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_ten_thousand_strings_arrive_byte_for_byte_and_none_runs(
    shared_site: SiteUnderTest, host: str, tmp_path: Path
) -> None:
    site, canary = shared_site, tmp_path / "canary"
    drawn: list[list[str]] = []

    @settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(NASTY, min_size=PER_JOB, max_size=PER_JOB))
    def draw(values: list[str]) -> None:
        drawn.append([value.replace("{canary}", str(canary)) for value in values])

    draw()
    names = [f"p{n}" for n in range(PER_JOB)]
    kind = f"echo-on-{host}"
    site.post(
        "job-types",
        {
            "name": kind,
            "template": "printf '%s\\0' " + " ".join(f"${name}" for name in names),
            "params": [{"name": name, "type": "String"} for name in names],
        },
    )

    ids = site.submit_many(
        [
            {"queue": "default", "type": kind, "host": host, "params": dict(zip(names, values, strict=True))}
            for values in drawn
        ]
    )
    site.finished(ids, seconds=120)

    assert sum(map(len, drawn)) >= 10_000
    for number, values in zip(ids, drawn, strict=True):
        assert site.output(number).split(b"\0")[:-1] == [value.encode() for value in values]
    assert not canary.exists()
