from __future__ import annotations

from pathlib import Path

import pytest

from dagcontent import api
from dagcontent.cli.progress import Progress, Waits
from dagcontent.run.events import NodeFinished, NodeProgress, NodeStarted, NodeWaiting

from .conftest import SMALL


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """The small graph, all of it to be made."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    loaded = api.load(path)
    rows = api.plan(loaded, store=tmp_path / "store", explain=False).rows
    return Progress(rows, Waits(loaded.graph, rows))


def started(node: str) -> NodeStarted:
    """A node begins."""
    return NodeStarted(node, "image.generate", "local/card", 1, 0.0)


def finished(node: str, status: str = "ran", error: str | None = None) -> NodeFinished:
    """A node ends."""
    return NodeFinished(node, status, 0.5, 1.0, error)


def test_what_waits_for_what_is_said_by_instance(progress: Progress) -> None:
    """`titled[dusk]` waits for dusk's card, not for dawn's; values are looked through."""
    assert progress.waiting_for(10) == [
        ("titled[dusk]", ["card[dusk]"]),
        ("titled[dawn]", ["card[dawn]"]),
        ("sheet", ["titled[dusk]", "titled[dawn]"]),
    ]
    assert progress.waiting_for(1) == [("titled[dusk]", ["card[dusk]"])]


def test_counts_follow_the_events(progress: Progress) -> None:
    """Running, waiting and done add up to all there is."""
    assert (progress.total, progress.waiting, progress.done) == (5, 5, 0)
    progress.take(started("card[dusk]"))
    progress.take(NodeProgress("card[dusk]", 0.4, 0.1))
    progress.take(NodeProgress("unheard", 0.4, 0.1))
    assert (len(progress.running), progress.waiting, progress.done) == (1, 4, 0)
    assert progress.running["card[dusk]"].fraction == 0.4
    assert ("titled[dusk]", ["card[dusk]"]) in progress.waiting_for(10)
    progress.take(finished("card[dusk]"))
    assert (len(progress.running), progress.waiting, progress.done) == (0, 4, 1)
    assert "titled[dusk]" not in dict(progress.waiting_for(10))


def test_what_turns_out_to_be_there_is_counted(progress: Progress) -> None:
    """No event tells of a hit that a plan could not foresee; it is seen when something above it starts."""
    progress.take(started("sheet"))
    assert (progress.waiting, progress.done) == (2, 2)


def test_instances_that_share_a_key_count_as_many() -> None:
    """One action may make several instances."""
    progress = Progress()
    progress.take(started("card[a] and 2 more"))
    progress.take(finished("card[a] and 2 more"))
    assert progress.done == 1
    assert progress.total == 1


def test_failures_and_other_builds_are_kept(progress: Progress) -> None:
    """What failed stays on the screen; what another build makes is named."""
    progress.take(started("card[dusk]"))
    progress.take(finished("card[dusk]", "failed", "no such voice"))
    assert [(f.node, f.error) for f in progress.failed] == [("card[dusk]", "no such voice")]
    progress.take(NodeWaiting("0123456789ab", "run", "other", 0.0))
    assert progress.elsewhere == {"0123456789ab": "other"}
