from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagcontent.store import open_store

CHILD = Path(__file__).parent / "crash_child.py"
PICTURE = b"picture" * 1000


def build(folder: Path, end_at: int) -> subprocess.CompletedProcess[str]:
    """Run the child to its end, or to its n-th crash point."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    argv = [
        sys.executable,
        "-S",
        str(CHILD),
        str(folder / "store"),
        str(folder / "out"),
        str(folder / "said"),
        str(end_at),
    ]
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)


def crash_and_look(folder: Path, end_at: int, *, again: bool) -> None:
    """Kill a build at a point; whatever it was told is committed must be there, and the next build must succeed."""
    assert build(folder, end_at).returncode == -signal.SIGKILL
    said = (folder / "said").read_text().splitlines() if (folder / "said").exists() else []
    target = folder / "out" / "film.png"
    assert not target.exists() or target.read_bytes() == PICTURE
    with open_store(folder / "store") as store:
        for what, _, name in (line.partition(" ") for line in said):
            if what == "record":
                record = store.get(name)
                assert record is not None
                assert store.missing_blobs(record) == []
            elif what == "blob":
                assert store.cas.verified_path(name).read_bytes() == PICTURE
        if "output" in said:
            assert store.outputs("graph")["film.png"].size == len(PICTURE)
        if "last build" in said:
            assert len(store.last_build("graph")) == 3
        run = store.start_run("graph", now_ms=1_700_000_002_000)
        assert all(claim.won for claim in store.claim_many(["ab" * 32], run).result())
        store.finish_run(run, "failed", {}, now_ms=1_700_000_003_000)
        report = store.verify()
        assert report.problems == []
        assert not list(store.layout.tmp.iterdir())
    if not again:
        return
    assert build(folder, -1).returncode == 0
    with open_store(folder / "store") as store:
        assert store.verify().problems == []
        assert not [*store.layout.tmp.iterdir(), *store.layout.runs.iterdir()]
    assert target.read_bytes() == PICTURE
    assert [one.name for one in (folder / "out").iterdir()] == ["film.png"]


def points_of(folder: Path) -> list[str]:
    """Return the names of the crash points that a whole build passes."""
    whole = build(folder, -1)
    assert whole.returncode == 0, whole.stderr
    return whole.stdout.split()


@pytest.mark.slow
def test_kill_at_every_point_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A crash anywhere leaves a store that opens, verifies clean, and holds all that callers were told is durable."""
    points = points_of(tmp_path / "whole")
    assert {"layout.before-format", "cas.renamed", "db.before-commit", "materialise.tmp-written"} <= set(points)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: crash_and_look(tmp_path / str(n), n, again=n % 5 == 0), range(len(points))))


@pytest.mark.sweep
def test_a_build_after_a_kill_at_every_point_is_as_if_nothing_happened(tmp_path: Path) -> None:
    """Not only is nothing lost: what the killed build left does not stand in the way of the next one."""
    with ThreadPoolExecutor(2) as pool:
        points = points_of(tmp_path / "whole")
        list(pool.map(lambda n: crash_and_look(tmp_path / str(n), n, again=True), range(len(points))))
