"""Refusals of the operating system at system calls of builds that pay: an error of ours or success, and nothing paid twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from kills.cases import CASES, GATE, Case, Verdict, judge
from kills.lanes import Lane, Lanes
from kills.tracing import Point, spread, strace_missing

ERRORS = {
    "write": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "pwrite64": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "pread64": ("EIO",),
    "read": ("EIO", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"),
    "rename": ("EIO", "ENOSPC", "EDQUOT"),
    "renameat": ("EIO", "ENOSPC"),
    "openat": ("EIO", "ENOSPC", "EMFILE", "ENFILE", "EINTR"),
    "open": ("EIO", "ENOSPC", "EMFILE"),
    "mkdir": ("EIO", "ENOSPC"),
    "fallocate": ("ENOSPC", "EDQUOT", "EIO"),
    "ftruncate": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "fchmod": ("EIO",),
    "flock": ("ENOLCK", "EINTR", "EIO"),
    "fcntl": ("EIO", "ENOLCK"),
    "newfstatat": ("EIO",),
    "stat": ("EIO",),
    "lstat": ("EIO",),
    "fstat": ("EIO",),
    "getdents64": ("EIO",),
    "lseek": ("EIO",),
    "connect": ("ECONNREFUSED", "ENETUNREACH", "EMFILE"),
    "socket": ("EMFILE", "ENOBUFS"),
    "epoll_wait": ("EINTR",),
}
"""What each call may answer, if it is refused."""

LASTING = frozenset({"write", "pwrite64", "fsync", "fdatasync", "rename", "openat", "mkdir", "fallocate", "ftruncate"})
"""What a disk may refuse from one moment on. A net that is gone is waited for, however long."""

needs_strace = pytest.mark.skipif(bool(strace_missing()), reason=f"{strace_missing()}; errors are injected by strace")


def lied_to(lane: Lane, point: Point, error: str, *, ever: bool = False) -> tuple[str, Verdict]:
    """Refuse one call of a build, or all from one on; then build again, undisturbed. Return how the first ended."""
    plus = "+" if ever else ""
    what = ("-e", f"trace={point.call}", "-e", f"inject={point.call}:error={error}:when={point.n}{plus}")
    said, child = lane.disturbed(point, *what)
    told, stderr, charges = lane.finished()
    verdict = judge(lane.case, told, charges, stderr=stderr)
    wrong = list(verdict.wrong)
    if said is None:
        wrong.append("the build died")
    elif said["status"] == "traceback" or "InternalError" in said.get("error", "") or "Traceback" in child.stderr:
        wrong.append(f"not in our words: {said.get('error')} {child.stderr}")
    elif said["status"] == "ok" and {status for status, _ in told["first"]["nodes"].values()} != {"hit"}:
        wrong.append(f"silent: said to be done, and {told['first']['nodes']}")
    return "died" if said is None else str(said["status"]), verdict._replace(wrong=wrong)


def choose(points: Sequence[Point], count: int, seed: int, *, ever: bool = False) -> list[tuple[Point, str]]:
    """Return points with what is answered there: of every call some, and each error in its turn."""
    known = [point for point in points if point.call in (LASTING if ever else ERRORS)]
    turns: Counter[str] = Counter()
    chosen = []
    for point in spread(known, count, seed, dense=2):
        errors = ERRORS[point.call]
        errors = [error for error in errors if not (ever and error == "EINTR")]
        chosen.append((point, errors[turns[point.call] % len(errors)]))
        turns[point.call] += 1
    return chosen


def refused(case: Case, part: int, parts: int, count: int, *, seed: int, ever: bool = False, lanes: int = 3) -> None:
    """Refuse a share of the calls of builds of a case."""
    with Lanes(case, lanes) as all_lanes:
        known = all_lanes.lanes[0].record()
        chosen = choose(known.points, count * parts, seed, ever=ever)[part::parts]
        made = all_lanes.each(chosen, lambda lane, one: (one, *lied_to(lane, *one, ever=ever)))
    wrong = {f"{point} {error}": verdict.wrong for (point, error), _, verdict in made if verdict.wrong}
    assert not wrong, wrong
    ends = Counter(end for _, end, _ in made)
    print(f"{len(made)} refusals, {dict(ends)}, {sum(v.unresolved for *_, v in made)} unresolved")
    assert ends["ok"] < len(made)


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_strace
def test_a_refused_system_call_ends_in_our_words_and_pays_nothing_twice() -> None:
    """EIO, ENOSPC, EMFILE and their like, at one call: the build says so or goes on; the next one has everything."""
    refused(GATE, 0, 1, 24, seed=3)


@pytest.mark.sweep
@needs_strace
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", CASES)
def test_refused_system_calls_of_every_vendor_end_in_our_words(name: str, part: int) -> None:
    """Three thousand refusals of one call, or of all from one on."""
    refused(CASES[name], part, 4, 150, seed=part % 2, ever=part >= 2)


REGRESSIONS = [
    # A new database whose content was still in its log was put in its place, and was no store's from then on.
    (Point("db.before-schema", 1, "stat", 10), "EIO"),
    # One refusal to read what was paid for, and it was given up as damaged for good.
    *((Point("paid.spooled", 2, call, n), "EIO") for call in ("read", "lseek") for n in (3, 4)),
    # An output, or a blob on its way there, that could not be looked at ended the build with a traceback.
    *((Point("paid.spooled", 4, "newfstatat", n), "EIO") for n in range(1, 7)),
]


@pytest.mark.slow
@needs_strace
def test_refusals_that_once_did_harm_do_none() -> None:
    """Found by the sweep."""
    with Lanes(GATE, 3) as lanes:
        made = lanes.each(REGRESSIONS, lambda lane, one: (one, lied_to(lane, *one)))
    wrong = {f"{point} {error}": verdict.wrong for (point, error), (_, verdict) in made if verdict.wrong}
    assert not wrong, wrong
