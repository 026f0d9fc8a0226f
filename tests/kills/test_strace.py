"""Kill -9 at system calls of builds that pay, then build again: nothing is paid twice, and what can be found is found."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import pytest
from kills.cases import CASES, GATE, Case, Verdict, judge
from kills.lanes import Lane, Lanes
from kills.tracing import Point, spread, strace_missing

PHASES = (
    "child.began", "build.run-started", "run.claimed", "run.started", "paid.before-intent", "attempt.intended",
    "db.before-commit", "db.after-commit", "paid.intended", "paid.headers", "paid.sent", "paid.answer-on-disk",
    "attempt.submitted", "paid.submitted", "paid.poll", "paid.fetched", "attempt.spooled", "paid.spooled",
    "cas.tmp-written", "cas.fsynced", "cas.renamed", "cas.dir-fsynced", "paid.kept", "attempt.recorded",
    "attempt.settled", "paid.committed", "paid.before", "paid.appended", "materialise.renamed", "build.remembered",
    "build.finished",
)  # fmt: skip
"""What a paid build passes, in about this order."""

needs_strace = pytest.mark.skipif(
    bool(strace_missing()), reason=f"{strace_missing()}; kills at named crash points count instead"
)


def killed_at(lane: Lane, point: Point) -> tuple[bool, Verdict]:
    """Kill a build at a call, and build again; return whether it was killed before it ended, and what came of it."""
    what = ("-e", f"trace={point.call}", "-e", f"inject={point.call}:signal=KILL:when={point.n}")
    said, child = lane.disturbed(point, *what)
    assert said is None or said["status"] == "ok", (point, said, child.stderr)
    told, stderr, charges = lane.finished()
    return said is None, judge(lane.case, told, charges, stderr=stderr)


def killed_held(lane: Lane, place: tuple[str, int]) -> tuple[bool, Verdict]:
    """Kill a build at a named crash point, and build again."""
    child = lane.held(*place)
    if child.is_held:
        os.kill(child.pid, signal.SIGKILL)
        assert child.line() is None
    child.close()
    told, stderr, charges = lane.finished()
    return child.is_held, judge(lane.case, told, charges, stderr=stderr)


def swept(case: Case, part: int, parts: int, points: int, *, seed: int, lanes: int = 3, late: bool = False) -> int:
    """Kill at a share of all calls of a build of a case; return how many builds were killed."""
    with Lanes(case, lanes, late=late) as all_lanes:
        known = all_lanes.lanes[0].record()
        chosen = spread(known.points, points * parts, seed)[part::parts]
        made = all_lanes.each(chosen, lambda lane, point: (point, *killed_at(lane, point)))
    wrong = {str(point): verdict.wrong for point, _, verdict in made if verdict.wrong}
    assert not wrong, wrong
    killed = sum(was for _, was, _ in made)
    print(f"{len(made)} points, {killed} killed, {sum(v.unresolved for _, _, v in made)} unresolved,"
          f" {sum(v.lost for _, _, v in made)} of them paid")  # fmt: skip
    # How threads meet decides how often one of them comes to a call: a late one may not be reached.
    assert killed >= len(made) * 0.7
    return killed


def passed(places: Sequence[tuple[str, int]], case: Case, lanes: int = 3) -> int:
    """Kill at named crash points; return how many builds were killed."""
    with Lanes(case, lanes) as all_lanes:
        made = all_lanes.each(places, lambda lane, place: (place, *killed_held(lane, place)))
    wrong = {place: verdict.wrong for place, _, verdict in made if verdict.wrong}
    assert not wrong, wrong
    return sum(was for _, was, _ in made)


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_strace
@pytest.mark.parametrize("part", range(2))
def test_a_build_killed_at_a_system_call_pays_once(part: int) -> None:
    """Files, sockets, waiting, locks; most of them after an intent is written. No charge twice, no result lost that its
    vendor lists, nobody asked but where nobody can tell, and a store that verifies clean.
    """
    assert swept(GATE, part, 2, 80, seed=11, late=part == 1) >= 56


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_build_killed_at_a_named_point_pays_once() -> None:
    """Where no process may be traced this is what is left; where one may, it is the same again without strace."""
    assert passed([(point, 1) for point in PHASES], GATE) == len(PHASES)


@pytest.mark.sweep
@needs_strace
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("name", CASES)
def test_builds_of_every_vendor_killed_at_system_calls_pay_once(name: str, part: int) -> None:
    """More than five thousand points: every vendor with a call and a job; half of them with vendors that are late."""
    swept(CASES[name], part, 8, 130, seed=part % 2, late=part % 2 == 1)


@pytest.mark.sweep
@pytest.mark.parametrize("name", CASES)
def test_builds_of_every_vendor_killed_at_named_points_pay_once(name: str) -> None:
    """Up to four passes of every point."""
    passed([(point, nth) for point in PHASES for nth in (1, 2, 3, 4)], CASES[name])
