from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagcontent.store import Store, open_store
from dagcontent.store.paid import Purchase, read_lines
from dagcontent.store.rebuild import rebuild
from dagcontent.values.attempt import BLOCKING, AttemptState
from dagcontent.values.money import Cap

CHILD = Path(__file__).parent / "paid_child.py"
S = AttemptState
ORDER = [S.INTENT, S.SUBMITTED, S.SPOOLED, S.CHARGED, S.COMMITTED]


def build(folder: Path, end_at: int) -> subprocess.CompletedProcess[str]:
    """Run the child to its end, or to its n-th crash point."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-S", str(CHILD), str(folder / "store"), str(folder / "said"), str(end_at)]
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


def said(folder: Path) -> list[tuple[str, str]]:
    """Return what left the killed processes."""
    path = folder / "said"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(what, name) for what, _, name in (line.partition(" ") for line in lines)]


def look(folder: Path, store: Store) -> None:
    """What was acknowledged is there; the rest is at most one step behind; no key can be sent twice."""
    lines = said(folder)
    attempts = {one.id: one for one in store.attempts.list()}
    assert max(Counter(one.key for one in attempts.values() if one.state in BLOCKING).values(), default=0) <= 1
    assert sum(store.attempts.spent(Cap("graph", "g", 0))) <= 3000
    by_key = {one.key: one for one in attempts.values()}
    for what, name in lines:
        if what == "sent":
            assert name in by_key
        elif what == "paid":
            record = store.get(name)
            assert record is not None
            assert store.missing_blobs(record) == []
        else:
            assert ORDER.index(attempts[name].state) >= ORDER.index(S(what))
    report = store.verify()
    assert [problem for problem in report.problems if problem.what != "spool"] == []
    assert report.problems == []


def crash_and_go_on(folder: Path, end_at: int) -> bool:
    """Kill a paid build at a point; the next one finishes it, and the vendor got each request once. Return whether it was killed.

    Every other time the database is lost between the two. How commits meet in groups decides how many points there are:
    one of the last may not be reached.
    """
    ended = build(folder, end_at)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    if end_at % 2 and (folder / "store" / "FORMAT").exists():
        for path in (folder / "store").glob("store.db*"):
            path.unlink()
        rebuild(folder / "store", crashpoint=lambda _point: None)
    else:
        with open_store(folder / "store") as store:
            look(folder, store)
    again = build(folder, -1)
    assert again.returncode == 0, again.stderr
    check_whole(folder)
    return ended.returncode != 0


def check_whole(folder: Path) -> None:
    """All three are paid for once, recorded, written down as text; nothing is left over; the database can be lost."""
    lines = said(folder)
    sent = Counter(name for what, name in lines if what == "sent")
    assert max(sent.values(), default=0) <= 1
    with open_store(folder / "store") as store:
        look(folder, store)
        assert store.verify(repair=True).ok
        assert store.attempts.spent(Cap("graph", "g", 0)) == (2700, 0)
        assert sorted(one.state.value for one in store.attempts.list()) == ["charged", "committed", "committed"]
        charged = [one.id for one in store.attempts.list(states=[S.CHARGED])]
        # What was charged and could not be used may be wanted as evidence: only `gc` takes it away.
        assert {path.name for path in store.layout.spool.iterdir()} <= {f"{name}.body" for name in charged}
        assert not list(store.layout.tmp.iterdir())
        keys = [one.key for one in store.attempts.list()]
        held = {key: store.get(key) for key in keys}
    lines_kept = [one for one in read_lines(folder / "store" / "paid.jsonl") if isinstance(one, Purchase)]
    assert {one.record.key: one.record for one in lines_kept if one.record is not None} == held
    for end in ("", "-wal", "-shm"):
        Path(f"{folder}/store/store.db{end}").unlink(missing_ok=True)
    done = rebuild(folder / "store", crashpoint=lambda _point: None)
    assert (done.restored_records, done.restored_attempts) == (3, 3)
    with open_store(folder / "store") as store:
        assert {key: store.get(key) for key in keys} == held
        assert store.attempts.spent(Cap("graph", "g", 0)) == (2700, 0)
        assert store.verify().problems == []
    before = len(said(folder))
    assert build(folder, -1).returncode == 0
    assert len(said(folder)) == before


def points_of(folder: Path) -> list[str]:
    """Return the names of the crash points that a whole build passes."""
    whole = build(folder, -1)
    assert whole.returncode == 0, whole.stderr
    check_whole(folder)
    return whole.stdout.split()


def first_of_each(points: list[str]) -> list[int]:
    """Return where every name is passed for the first and for the last time."""
    last = {name: n for n, name in enumerate(points)}
    return sorted({points.index(name) for name in last} | set(last.values()))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_kill_at_every_named_point_of_a_paid_build_pays_once_and_loses_nothing(tmp_path: Path) -> None:
    """Every name, the first and the last time it is passed."""
    points = points_of(tmp_path / "whole")
    assert {
        "attempt.intended", "attempt.submitted", "attempt.spooled", "attempt.recorded", "attempt.settled", "paid.before",
        "paid.appended", "db.before-commit", "db.after-commit", "cas.renamed",
    } <= set(points)  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(lambda n: crash_and_go_on(tmp_path / str(n), n), first_of_each(points)))
    assert killed.count(True) >= len(killed) - 3


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_a_kill_at_every_point_of_a_paid_build_pays_once_and_loses_nothing(tmp_path: Path) -> None:
    """Each time that each of them is passed."""
    points = points_of(tmp_path / "whole")
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(lambda n: crash_and_go_on(tmp_path / str(n), n), range(len(points))))
    assert killed.count(True) >= 0.9 * len(killed)
