"""What jobs of the lab execute: tells the world outside when it begins and ends, and writes output that can be checked.

    oracle_job.py DIRECTORY SECONDS BYTES SEED CODE

DIRECTORY/<host name>.log gets one line at the start and one at the end, each one write and one fsync. Standard
library only, and no part of Batchyard: the checker believes these lines and nothing else about what really ran.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import sys
import time

PIECES = 8
NO_SPACE = 28


def tell(directory: str, word: str, **facts: object) -> None:
    """One line that survives whatever comes next."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    name = socket.gethostname()
    line = {
        "word": word, "job": int(os.environ["BATCHYARD_JOB"]), "attempt": int(os.environ["BATCHYARD_ATTEMPT"]),
        "host": name, "boot": boot, "pid": os.getpid(), "at": time.clock_gettime(time.CLOCK_REALTIME), **facts,
    }  # fmt: skip
    descriptor = os.open(os.path.join(directory, f"{name}.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, json.dumps(line).encode() + b"\n")
    os.fsync(descriptor)
    os.close(descriptor)


def emit(data: bytes) -> int:
    """Write to standard output, bypassing every buffer. How many bytes went out; fewer if there is no space."""
    sent = 0
    while sent < len(data):
        try:
            sent += os.write(1, data[sent:])
        except OSError:
            return sent
    return sent


def main() -> int:
    directory, seconds, size, seed, code = sys.argv[1], float(sys.argv[2]), *map(int, sys.argv[3:6])
    data = random.Random(seed).randbytes(size)
    tell(directory, "start", seed=seed)
    written, piece = 0, max(1, -(-size // PIECES))
    for n in range(PIECES):
        part = data[n * piece : (n + 1) * piece]
        sent = emit(part)
        written += sent
        if sent < len(part):
            code = NO_SPACE
            break
        time.sleep(seconds / PIECES)
    digest = hashlib.sha256(data[:written]).hexdigest()
    tell(directory, "end", seed=seed, code=code, written=written, sha256=digest)
    return code


if __name__ == "__main__":
    sys.exit(main())
