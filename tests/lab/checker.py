"""Decides what a run of the lab has proved, from what it left behind. A program of its own that knows no Batchyard.

    python -m tests.lab.checker DIRECTORY

It believes the hosts' own logs about what ran, and holds against them what the site says in its API and its history.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "skipped"})
# Two clocks are never quite the same, and a line is written a moment after what it tells.
SLACK_SECONDS: Final = 0.25
RECOVERY_SECONDS: Final = 30.0
# Processes that want a processor, for each: more than that, and everything takes longer in proportion.
FAIR_LOAD: Final = 2.0
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a run left, as it was written."""

    requests: list[Line]
    jobs: dict[int, Line]
    faults: list[Line]
    starts: list[Line]
    ends: dict[tuple[int, int], Line]
    rules: Line
    enabled: list[str]

    @classmethod
    def read(cls, directory: Path) -> Evidence:
        lines = [line for path in sorted((directory / "oracle").glob("*.log")) for line in _lines(path)]
        plan = _lines(directory / "plan.jsonl")
        return cls(
            requests=_lines(directory / "requests.jsonl"),
            jobs={job["id"]: job for job in _lines(directory / "jobs.jsonl")},
            faults=_lines(directory / "faults.jsonl"),
            starts=[line for line in lines if line["word"] == "start"],
            ends={(line["job"], line["attempt"]): line for line in lines if line["word"] == "end"},
            rules=_lines(directory / "rules.jsonl")[0],
            enabled=plan[0]["faults"] if plan else [],
        )


def _lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(slots=True)
class Verdict:
    """What was found: violations by kind, and the figures. `is_valid`: it proves what it set out to."""

    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    figures: Line = field(default_factory=dict)
    not_injected: list[str] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        return not self.not_injected

    @property
    def is_clean(self) -> bool:
        return self.is_valid and not any(self.violations.values())


CHECKED: Final = (
    "lost",
    "doubled",
    "stuck",
    "output",
    "window",
    "limits",
    "history",
    "attempts",
    "answers",
    "recovery",
)


def check(evidence: Evidence) -> Verdict:
    """Hold everything against everything."""
    verdict = Verdict()
    for kind, found in (
        ("lost", lost(evidence)), ("doubled", doubled(evidence)), ("stuck", stuck(evidence)),
        ("output", wrong_output(evidence)), ("window", outside_window(evidence)), ("limits", over_limits(evidence)),
        ("history", wrong_history(evidence)), ("attempts", too_many_attempts(evidence)),
        ("answers", wrong_answers(evidence)), ("recovery", slow_recovery(evidence)),
    ):  # fmt: skip
        verdict.violations[kind] += list(found)
    verdict.not_injected = _not_injected(evidence)
    verdict.figures = _figures(evidence)
    return verdict


# --- what may not be ---


def lost(evidence: Evidence) -> Iterator[str]:
    """Accepted and not there; said to have run and not seen; ended on the host and not known of."""
    began = {(line["job"], line["attempt"]) for line in evidence.starts}
    for request in evidence.requests:
        if request["id"] is None:
            yield f"request {request['key']}: {request['said']}"
        elif request["id"] not in evidence.jobs:
            yield f"job {request['id']} was accepted and is not there"
    for job in evidence.jobs.values():
        for attempt in job["attempts"]:
            which = (job["id"], attempt["number"])
            if attempt["outcome"] in {"exited", "signalled"} and which not in began:
                yield f"job {job['id']}#{attempt['number']} is said to have {attempt['outcome']}, and never began"
            if attempt["outcome"] == "lost" and not _was_cut_short(evidence, which):
                yield f"job {job['id']}#{attempt['number']} is said to be lost without cause: {attempt['reason']}"
    for which, line in evidence.ends.items():
        attempt = _attempt(evidence, which)
        is_cut_short = attempt is not None and attempt["outcome"] == "lost" and _was_cut_short(evidence, which)
        if attempt is not None and attempt["outcome"] != "exited" and not is_cut_short:
            yield f"job {which[0]}#{which[1]} ended with {line['code']}, and is said to be {attempt['outcome']}"


def doubled(evidence: Evidence) -> Iterator[str]:
    """An attempt that began twice; a job of which two attempts ran at once; a request that became two jobs."""
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for line in evidence.starts:
        seen[line["job"], line["attempt"]] += 1
    yield from (f"job {job}#{number} began {count} times" for (job, number), count in seen.items() if count > 1)
    runs: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for line in evidence.starts:
        runs[line["job"]].append((line["at"], _end_of(evidence, line), line["attempt"]))
    for job, spans in runs.items():
        spans.sort()
        for (_, end, first), (start, _, second) in itertools.pairwise(spans):
            if start < end - SLACK_SECONDS:
                yield f"job {job}: attempt {second} began before attempt {first} had ended"
    keys: dict[str, list[int]] = defaultdict(list)
    for number, told in evidence.jobs.items():
        keys[told["notes"]].append(number)
    yield from (f"request {key} became the jobs {ids}" for key, ids in keys.items() if key and len(ids) > 1)


def stuck(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs.values():
        if job["state"] not in FINAL:
            yield f"job {job['id']} is still {job['state']}: {job['reason']}"
        yield from (
            f"job {job['id']}#{attempt['number']} is still {attempt['phase']}"
            for attempt in job["attempts"]
            if attempt["finished_at"] is None
        )


def wrong_output(evidence: Evidence) -> Iterator[str]:
    """Kept output has to be, byte for byte, what the oracle wrote; of a run cut short, a beginning of it."""
    for job in evidence.jobs.values():
        for attempt in job["attempts"]:
            which = (job["id"], attempt["number"])
            kept = attempt["output"]
            if end := evidence.ends.get(which):
                code = None if attempt["outcome"] == "lost" and _was_cut_short(evidence, which) else end["code"]
                wanted = (end["written"], end["sha256"], code)
                if (kept["bytes"], kept["sha256"], attempt["exit_code"]) != wanted:
                    yield f"job {which[0]}#{which[1]}: kept {kept} and exit code {attempt['exit_code']}, not {wanted}"
            elif kept["bytes"] and kept["sha256"] != _beginning(job["params"], kept["bytes"]):
                yield f"job {which[0]}#{which[1]}: what was kept of a run cut short is not how its output begins"


def outside_window(evidence: Evidence) -> Iterator[str]:
    """Windows as the checker computes them, against the moment at which the site let a job start."""
    rule = evidence.rules["windowed"]
    for job in evidence.jobs.values():
        if job["queue"] != rule["queue"]:
            continue
        for event in job["events"]:
            into = (_seconds(event["at"]) - rule["open_from"]) % rule["every"]
            if event["now"] == "running" and into >= rule["lasts"]:
                yield f"job {job['id']} was let start {into - rule['lasts']:.2f} s after its window had closed"


def over_limits(evidence: Evidence) -> Iterator[str]:
    """At no instant more runs than seats, or than a queue may have."""
    by_host: dict[str, list[tuple[float, float]]] = defaultdict(list)
    by_queue: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in evidence.starts:
        span = (line["at"] + SLACK_SECONDS, _end_of(evidence, line))
        by_host[line["host"]].append(span)
        if job := evidence.jobs.get(line["job"]):
            by_queue[job["queue"]].append(span)
    limits = [("host", by_host, evidence.rules["seats"]), ("queue", by_queue, evidence.rules["queues"])]
    for kind, spans, limit_of in limits:
        for name, found in spans.items():
            if name in limit_of and (most := _most_at_once(found)) > limit_of[name]:
                yield f"{kind} {name} had {most} runs at once; {limit_of[name]} are possible"


def wrong_history(evidence: Evidence) -> Iterator[str]:
    """Exactly one event into a final state, and none after it."""
    for job in evidence.jobs.values():
        words = [event["now"] for event in job["events"]]
        ends = [place for place, word in enumerate(words) if word in FINAL]
        if job["state"] in FINAL and (len(ends) != 1 or ends[0] != len(words) - 1):
            yield f"job {job['id']} has the history {', '.join(words)}"


def too_many_attempts(evidence: Evidence) -> Iterator[str]:
    """What began counts; an attempt that never reached a host costs a job nothing."""
    begun: dict[int, int] = defaultdict(int)
    for line in evidence.starts:
        begun[line["job"]] += 1
    for number, count in begun.items():
        job = evidence.jobs.get(number)
        if job is not None and count > 1 + evidence.rules["retries"].get(job["type"], 0):
            yield f"job {number} of type {job['type']} began {count} times"


def wrong_answers(evidence: Evidence) -> Iterator[str]:
    """A client gets its job, nothing at all, or a 503 that says when to come again."""
    for request in evidence.requests:
        for status, _seconds_taken, has_retry_after in request["answers"]:
            if status not in {0, 201, 503} or (status == 503 and not has_retry_after):
                yield f"request {request['key']} was answered {status}: {request.get('said', '')}"


def slow_recovery(evidence: Evidence) -> Iterator[str]:
    for fault in evidence.faults:
        taken = fault["recovered_seconds"]
        if taken is None or taken > RECOVERY_SECONDS * max(1.0, fault["load"] / FAIR_LOAD):
            load = f"{fault['load']} processes wanted each processor"
            yield f"fault {fault['n']} ({fault['code']}): work went on {taken} s after it had ended; {load}"
        yield from (f"fault {fault['n']} ({fault['code']}): {told}" for told in fault.get("wrong", []))


# --- how it is worked out ---


def _attempt(evidence: Evidence, which: tuple[int, int]) -> Line | None:
    job = evidence.jobs.get(which[0])
    return next((a for a in job["attempts"] if a["number"] == which[1]), None) if job else None


def _halts(evidence: Evidence) -> dict[str, list[tuple[float, float]]]:
    """When hosts were switched off, by name: the moments before and after."""
    halts: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for fault in evidence.faults:
        if halted := fault["details"].get("halted"):
            halts[halted[0]].append((halted[1], halted[2]))
    return halts


def _end_of(evidence: Evidence, start: Line) -> float:
    """When a run ended: by its own word, or with its host. For ever if neither is known."""
    if end := evidence.ends.get((start["job"], start["attempt"])):
        return float(end["at"])
    offs = [before for before, after in _halts(evidence)[start["host"]] if after >= start["at"]]
    return max(min(offs, default=float("inf")), float(start["at"]))


def _was_cut_short(evidence: Evidence, which: tuple[int, int]) -> bool:
    """Whether the host of an attempt was switched off while it ran, or just when it would have begun or ended."""
    attempt = _attempt(evidence, which)
    halts = _halts(evidence)[attempt["host"]] if attempt else []
    if end := evidence.ends.get(which):
        # Its own last word comes before its exit.
        return any(before - SLACK_SECONDS <= end["at"] <= after for before, after in halts)
    starts = [line for line in evidence.starts if (line["job"], line["attempt"]) == which]
    if starts:
        return any(after >= starts[0]["at"] for _before, after in halts)
    return bool(halts)


def _beginning(params: Line, size: int) -> str:
    whole = random.Random(int(params["seed"])).randbytes(int(params["bytes"]))
    return hashlib.sha256(whole[:size]).hexdigest()


def _most_at_once(spans: list[tuple[float, float]]) -> int:
    edges = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _at, change in edges:
        now += change
        most = max(most, now)
    return most


def _seconds(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()


def _not_injected(evidence: Evidence) -> list[str]:
    """Faults that were enabled and never stood while something ran."""
    spans = [(line["at"], _end_of(evidence, line)) for line in evidence.starts]
    met = {fault["code"] for fault in evidence.faults if any(start <= fault["at"] <= end for start, end in spans)}
    return [code for code in evidence.enabled if code not in met]


def _figures(evidence: Evidence) -> Line:
    taken = sorted(f["recovered_seconds"] for f in evidence.faults if f["recovered_seconds"] is not None)
    answers = [answer for request in evidence.requests for answer in request["answers"]]
    outcomes: dict[str, int] = defaultdict(int)
    for job in evidence.jobs.values():
        for attempt in job["attempts"]:
            outcomes[attempt["outcome"] or "open"] += 1
    return {
        "faults": len(evidence.faults), "jobs": len(evidence.jobs), "starts": len(evidence.starts),
        "output_bytes": sum(a["output"]["bytes"] for job in evidence.jobs.values() for a in job["attempts"]),
        "outcomes": dict(outcomes),
        "answers": {str(s): sum(a[0] == s for a in answers) for s in sorted({a[0] for a in answers})},
        "recoveries_over_30_seconds": sum(seconds > RECOVERY_SECONDS for seconds in taken),
        "recovery_p50_seconds": _part(taken, 0.5), "recovery_p99_seconds": _part(taken, 0.99),
    }  # fmt: skip


def _part(values: list[float], share: float) -> float | None:
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def main(directory: Path) -> int:
    verdict = check(Evidence.read(directory))
    json.dump(
        {
            "valid": verdict.is_valid, "clean": verdict.is_clean, "not_injected": verdict.not_injected,
            "violations": {kind: verdict.violations[kind] for kind in CHECKED}, **verdict.figures,
        },
        sys.stdout, indent=1,
    )  # fmt: skip
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
