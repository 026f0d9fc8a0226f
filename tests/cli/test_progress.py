from __future__ import annotations

from pathlib import Path

import pytest

from dagcontent import api
from dagcontent.cli.progress import Progress, Waits, ends_words, stopping_words
from dagcontent.run.events import (
    AWAITS,
    BuildSpent,
    BuildStopping,
    NodeFinished,
    NodeProgress,
    NodeStage,
    NodeStarted,
    NodeWaiting,
)

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


def test_paid_nodes_tell_how_they_stand(progress: Progress) -> None:
    """Stages and money are kept as they are told; what has no money left waits again, what is lost is a failure."""
    progress.take(started("card[dusk]"))
    progress.take(NodeStage("card[dusk]", AWAITS, None, 0.0))
    progress.take(NodeStage("unheard", AWAITS, None, 0.0))
    assert progress.awaited == ["card[dusk]"]
    progress.take(NodeStage("card[dusk]", "in queue", 3, 0.1))
    assert (progress.awaited, progress.running["card[dusk]"].position) == ([], 3)
    progress.take(BuildSpent(1, 2, None, 0.2))
    progress.take(BuildStopping(0.2))
    assert (progress.spent, progress.stopping) == (BuildSpent(1, 2, None, 0.2), True)
    progress.take(finished("card[dusk]", "parked", "no money"))
    assert (progress.waiting, progress.done, progress.failed) == (5, 0, [])
    progress.take(started("card[dusk]"))
    progress.take(finished("card[dusk]", "unresolved", "nobody can tell"))
    assert (progress.done, [f.status for f in progress.failed]) == (1, ["unresolved"])


def test_what_a_stopping_build_waits_for_is_named() -> None:
    """Only calls whose answers could not be asked for again are worth waiting for, and they are named."""
    assert "jobs go on" in stopping_words([])
    assert stopping_words(["a", "b"]) == "awaits 2 calls that would be lost: a, b; Ctrl-C again: unresolved"
    assert [ends_words(word) for word in ("ran", "detached", "parked", "failed")] == [
        "made",
        "at work",
        "waits",
        "failed",
    ]
