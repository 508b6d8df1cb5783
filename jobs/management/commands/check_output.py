from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from jobs.execution.outputs import output_store
from jobs.execution.store import OutputLost, OutputStore, Sizes
from jobs.models import Output

CHUNK_BYTES: Final = 1 << 20
SHOWN: Final = 100


class Command(BaseCommand):
    help = "Reads all output that rows tell of and compares sizes and hashes. Fails if anything is missing or differs."

    def handle(self, *args: Any, **options: Any) -> None:
        count, wrong = 0, 0
        for row in Output.objects.select_related("attempt").order_by("attempt").iterator():
            count += 1
            if problem := check(row, output_store()):
                wrong += 1
                if wrong <= SHOWN:
                    self.stderr.write(
                        f"Job {row.attempt.job_id}, attempt {row.attempt.number}, {row.stream}: {problem}"
                    )
        if wrong:
            raise CommandError(f"{wrong} of {count} streams are not as their rows say.")
        self.stdout.write(f"{count} streams are as their rows say.")


def check(row: Output, store: OutputStore) -> str:
    """What is wrong with a stream; "" if nothing is. One that still grows, or has a gap, has no hash to compare."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        for data in _pieces(row, store):
            digest.update(data)
            size_bytes += len(data)
    except (OutputLost, OSError) as problem:
        return str(problem)
    kept_bytes = row.size_bytes - ((row.dropped_to or 0) - (row.dropped_from or 0))
    if size_bytes != kept_bytes:
        return f"{size_bytes} bytes are there, {kept_bytes} should be."
    if row.sha256 and digest.hexdigest() != row.sha256:
        return "its bytes are others than those that were sealed."
    return ""


def _pieces(row: Output, store: OutputStore) -> Iterator[bytes]:
    offset = 0
    sizes = Sizes(**{row.stream: row.size_bytes})
    while True:
        chunk = store.read(row.attempt_id, row.stream, sizes=sizes, offset=offset, limit_bytes=CHUNK_BYTES)  # type: ignore[arg-type]  # one of two words, by its choices
        if not chunk.data and chunk.gap is None:
            return
        yield chunk.data
        offset = chunk.next_offset
