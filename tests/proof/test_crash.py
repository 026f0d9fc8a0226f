"""Kill -9 at named points of builds, then build again: as if nothing had happened."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.builds import new_folder
from oracle.crashes import Place, Server, finished, new_case

# (after an edit?, which slice, of how many, kills): 200 in all, in pieces that several workers share.
PARTS = [(False, part, 5, 24) for part in range(5)] + [(True, part, 4, 20) for part in range(4)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all kills of a process."""
    with Server() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(("edited", "part", "parts", "kills"), PARTS)
def test_a_build_killed_at_a_named_point_is_finished_by_the_next(
    server: Server, edited: bool, part: int, parts: int, kills: int
) -> None:
    """Outputs equal those of an undisturbed build, the store verifies clean, and nothing whose record was durable is run
    again: from scratch and after an edit. Together they kill at every name there is.
    """
    case, folder = new_case(server, edited=edited)
    try:
        killed = sum(case.kill(at=at) for at in case.spread[part::parts][:kills])
        # How threads meet decides how often a point of the database is passed: a late one may not be reached.
        assert killed >= kills * 0.8
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_every_step_of_a_build_has_its_crash_point(server: Server) -> None:
    """What is not named is never killed at: a new step of a build brings its point along."""
    case, folder = new_case(server, edited=False)
    shutil.rmtree(folder)
    assert case.names >= {
        "build.run-started", "run.claimed", "run.started", "run.made", "run.kept", "run.commit-queued", "cas.tmp-written",
        "cas.fsynced", "cas.renamed", "cas.dir-fsynced", "db.begin", "db.before-commit", "db.after-commit",
        "materialise.tmp-written", "materialise.fsynced", "materialise.renamed", "outputs.placed", "outputs.recorded",
        "build.remembered", "build.finished", "layout.folders-made", "layout.before-format",
    }  # fmt: skip


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(16))
def test_builds_killed_at_every_point(server: Server, part: int) -> None:
    """All points of both cases, not a selection."""
    case, folder = new_case(server, edited=part % 2 == 1)
    try:
        for at in case.spread[part // 2 :: 8]:
            case.kill(at=at)
    finally:
        shutil.rmtree(folder)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(16))
def test_builds_killed_at_random_moments(server: Server, part: int) -> None:
    """Between the named points too: two thousand moments in all."""
    case, folder = new_case(server, edited=part % 2 == 1)
    chance = random.Random(part)
    try:
        moments = [(chance.uniform(0.001, 0.25), chance.randint(1, 4)) for _ in range(125)]
        killed = sum(case.kill(after_s=after_s, jobs=jobs) for after_s, jobs in moments)
        assert killed > 30
    finally:
        shutil.rmtree(folder)


@pytest.mark.sweep
def test_a_film_killed_at_random_moments(server: Server, root: Path) -> None:
    """With speech and video: programs that outlive the kill for a moment, long files, many blobs. Killed again and again
    until it is through, then compared with the film of an undisturbed build.
    """
    chance = random.Random(4)
    folder = new_folder()
    try:
        shutil.copytree(root / "examples" / "hello", folder / "work", ignore=shutil.ignore_patterns("out"))
        place = Place(folder / "work", (root / "examples" / "hello" / "graph.toml").read_text(encoding="utf-8"))
        assert finished(server, place)["status"] == "ok"
        expected = place.outputs()
        for _ in range(6):
            shutil.rmtree(place.store)
            shutil.rmtree(folder / "work" / "out")
            killed = 0
            while killed < 12 and "signal" in server.ask(**place.command(), after_s=chance.uniform(0.3, 6)):
                killed += 1
                kept = set(server.ask(durable=str(place.store))["made"])
                said = place.ledger.read()
                assert all(
                    data == expected.get(name)
                    for name, data in place.outputs().items()
                    if "dagcontent-part" not in name
                )
                assert kept <= set(said)
            before, kept = place.ledger.read(), set(server.ask(durable=str(place.store))["made"])
            made = finished(server, place)
            assert made["status"] == "ok", made
            assert made["problems"] == []
            assert place.outputs() == expected
            assert not set(place.ledger.read() - before) & kept
    finally:
        shutil.rmtree(folder)
