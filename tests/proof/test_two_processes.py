"""Two processes build one graph: each key is made once, whatever becomes of one of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.builds import Built, new_folder
from oracle.processes import ended, start

from dagcontent.store.store import open_store
from dagcontent.testing import Ledger

GRAPH = """
[graph]
name = "shared"
[each]
n = { from = 1, to = 24 }
[node.a]
kind = "test.echo"
each = "n"
text = "line ${n}"
[node.b]
kind = "test.sound"
each = "n"
text = "${a[n]}"
[node.c]
kind = "test.listen"
sounds = "${b}"
output = "c"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = new_folder()
    yield made
    shutil.rmtree(made)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(4))
def test_two_builds_at_once_make_each_key_once(folder: Path, round_: int) -> None:
    """Claims in the store: nobody does what another living run does; both have everything in the end."""
    graph, store, ledger = folder / "graph.toml", folder / "store", Ledger(folder / "ledger")
    graph.write_text(GRAPH, encoding="utf-8")
    if round_ % 2:  # another file with the same nodes: keys hold no path
        (folder / "other").mkdir()
        shutil.copy(graph, folder / "other")
    second = folder / "other" / "graph.toml" if round_ % 2 else graph
    one, two = start(graph, store, ledger.path, seed=round_, jobs=3), start(second, store, ledger.path, seed=9, jobs=2)
    results = [ended(one), ended(two)]
    assert [r["status"] for r in results] == ["ok", "ok"]
    assert results[0]["nodes"][0]["node"] == results[1]["nodes"][0]["node"]
    made = ledger.read()
    assert len(made) == 49
    assert set(made.values()) == {1}
    assert results[0]["counts"]["ran"] + results[1]["counts"]["ran"] == 49
    assert {node["digest"] for node in results[0]["nodes"]} == {node["digest"] for node in results[1]["nodes"]}
    with open_store(store) as opened:
        assert opened.verify().problems == []


HELD = """
[graph]
name = "held"
[node.slow]
kind = "test.upper"
text = "behind the gate"
[node.quick]
kind = "test.upper"
text = "quick"
[node.last]
kind = "test.join"
parts = ["${slow}", "${quick}"]
output = "last"
"""


@pytest.fixture
def held(folder: Path) -> Path:
    (folder / "graph.toml").write_text(HELD, encoding="utf-8")
    for name in ("gate", "reached"):
        os.mkfifo(folder / name)
    return folder


@pytest.mark.slow
def test_a_key_that_another_run_makes_is_waited_for_not_made(held: Path) -> None:
    """The second build stands still where the first one works, and takes its record."""
    graph, store, ledger = held / "graph.toml", held / "store", Ledger(held / "ledger")
    first = start(graph, store, ledger.path, held / "gate", held / "reached")
    assert (held / "reached").read_text() == "behind the gate\n"  # it holds the claim, and does not end
    waits: list[object] = []

    def opened(event: object) -> None:
        if type(event).__name__ == "NodeWaiting" and not waits:
            waits.append(event)
            (held / "gate").write_text("go\n")

    second = Built(graph, store, jobs=2, listeners=[opened])
    made = ended(first)
    assert made["status"] == second.result.status == "ok"
    assert waits
    assert made["counts"]["ran"] + second.result.counts["ran"] == 3
    assert sum(second.calls.values()) == second.result.counts["ran"]
    assert (held / "out" / "last.txt").read_text() == "BEHIND THE GATE+QUICK\n"


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_its_claims_to_the_living(held: Path) -> None:
    """Kill -9 of the run that holds a claim: the other notices, takes it over and finishes."""
    graph, store, ledger = held / "graph.toml", held / "store", Ledger(held / "ledger")
    first = start(graph, store, ledger.path, held / "gate", held / "reached")
    assert (held / "reached").read_text() == "behind the gate\n"
    waits: list[object] = []

    def killed(event: object) -> None:
        if type(event).__name__ == "NodeWaiting" and not waits:
            waits.append(event)
            first.send_signal(signal.SIGKILL)
            first.communicate()

    second = Built(graph, store, jobs=2, listeners=[killed])
    assert waits
    assert first.returncode == -signal.SIGKILL
    assert second.result.status == "ok"
    assert (held / "out" / "last.txt").read_text() == "BEHIND THE GATE+QUICK\n"
    with open_store(store) as opened:
        assert opened.verify().problems == []
        assert list(opened.layout.runs.iterdir()) == []
