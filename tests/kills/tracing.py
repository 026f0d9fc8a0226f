"""A trace of one build into points at which others are killed or lied to. Knows strace, and nothing of builds.

strace counts the calls of each thread by itself. A point is therefore (crash point, its how-manyeth pass, call, n): from that
pass on, the n-th such call of the thread that comes to its n-th first. Counting from a crash point that is near keeps n small,
and the same in every run.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Point", "Record", "attached", "spread", "strace_missing"]

_FILES = (
    "open openat openat2 creat read write pread64 pwrite64 readv writev preadv pwritev fsync fdatasync sync_file_range rename "
    "renameat renameat2 unlink unlinkat mkdir mkdirat rmdir truncate ftruncate fallocate flock fcntl close lseek dup dup3 stat "
    "lstat fstat newfstatat statx chmod fchmod fchmodat link linkat symlink getdents64 mmap msync copy_file_range sendfile ioctl"
)
_SOCKETS = "socket connect bind sendto recvfrom sendmsg recvmsg shutdown setsockopt getsockopt getsockname getpeername"
_WAITS = "epoll_wait epoll_pwait epoll_pwait2 epoll_ctl epoll_create1 poll ppoll select pselect6 eventfd2 futex"
CALLS = tuple(f"{_FILES} {_SOCKETS} {_WAITS}".split())
"""Every call on files, sockets, waiting and locks; some exist on one kind of processor only."""
_MARK = "/crash-point/"
_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)\(?")


class Point(NamedTuple):
    """Where something happens to a build. `after` says whether an intent was written by then."""

    hold: str
    nth: int
    call: str
    n: int
    after: bool = False

    def __str__(self) -> str:
        return f"{self.hold}/{self.nth} {self.call}:{self.n}"


@functools.cache
def strace_missing() -> str:
    """Return why nothing can be traced here; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "strace is Linux's"
    if shutil.which("strace") is None:
        return "strace is not installed"
    asked = subprocess.run(
        ["strace", "-f", "-o", os.devnull, "-e", "trace=getpid", "true"], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        return f"tracing is not allowed here: {asked.stderr.strip()[:200]}"
    return ""


@contextlib.contextmanager
def attached(pid: int, *what: str, log: Path | str = os.devnull) -> Iterator[None]:
    """Trace a process, with all its threads, for as long as the block and the process last."""
    process = subprocess.Popen(
        ["strace", "-f", "-o", str(log), "-p", str(pid), *what], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert b"attached" in said, said
        yield
        process.wait(60)
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def named(calls: Sequence[str]) -> str:
    """Return calls as strace takes them, whether this processor has them or not."""
    return ",".join(f"?{call}" for call in calls)


class Record:
    """The calls of one whole build in their order, with the crash points between them."""

    WHAT = ("-e", f"trace={named([*CALLS, 'access', 'faccessat', 'faccessat2'])}")

    def __init__(self, log: Path) -> None:
        self.points: list[Point] = []
        self.calls: Counter[str] = Counter()
        marks: list[tuple[str, int, Counter[tuple[str, str]], dict[str, int]]] = []
        after = False
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = _LINE.match(line)
            if found is None or "resumed>" in line:
                continue
            thread, call = found.groups()
            if _MARK in line:
                name, nth = line.split(_MARK)[1].split('"')[0].rsplit("/", 1)
                after = after or name == "attempt.intended"
                marks.append((name, int(nth), Counter(), defaultdict(int)))
                continue
            if call not in CALLS:
                continue
            self.calls[call] += 1
            best: Point | None = None
            for name, nth, counts, most in marks[-40:]:
                counts[thread, call] += 1
                n = counts[thread, call]
                if n > most[call]:  # this thread is the first to come to it
                    most[call] = n
                    best = Point(name, nth, call, n, after)
            if best is not None:
                self.points.append(best)


def spread(points: Sequence[Point], count: int, seed: int, *, dense: int = 3) -> list[Point]:
    """Return so many points, the same for a seed: of every call some, `dense` times as many after an intent as before."""
    chance = random.Random(seed)
    piles: dict[str, list[Point]] = defaultdict(list)
    for point in dict.fromkeys(points):
        piles[point.call].append(point)
    for pile in piles.values():
        # Weighted shuffle: what is drawn first is used first.
        pile.sort(key=lambda point: chance.random() ** (dense if point.after else 1), reverse=False)
    chosen: list[Point] = []
    while len(chosen) < count and any(piles.values()):
        for call in sorted(piles):
            if piles[call] and len(chosen) < count:
                chosen.append(piles[call].pop(0))
    return chosen
