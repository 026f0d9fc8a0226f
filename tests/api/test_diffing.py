"""Two runs against each other: what is said is what a look at both plans would find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from oracle.builds import Built, new_folder
from oracle.checks import named_outputs
from oracle.worlds import World, chains

from dagcontent import api
from dagcontent.api.diffing import RunDiff, diff_runs
from dagcontent.api.past import list_runs
from dagcontent.errors import GraphError, UsageError
from dagcontent.store import open_store

GRAPH = """
[graph]
name = "cards"
[each]
scene = [{ id = "dusk", text = "A hill" }, { id = "dawn", text = "A calm sea" }]
[node.card]
kind = "image.generate"
model = "local/card"
each = "scene"
prompt = "${scene.text}"
size = "64x64"
[node.sheet]
kind = "image.grid"
images = "${card}"
output = "sheet"
"""


def keys_now(graph: Path, store: Path) -> dict[str, str]:
    """Return the key of every instance that has a result, as a plan has it."""
    rows = api.plan(graph, store=store, explain=False).rows
    return {row.node: row.key for row in rows if row.status in {"hit", "pinned"} and row.key is not None}


@settings(max_examples=max(8, settings().max_examples // 10))  # each is up to four builds
@given(chains(most_edits=3))
def test_a_diff_of_runs_is_a_diff_of_what_they_left(chain: list[World]) -> None:
    """Random graphs and edits: between any two runs, every instance of either is what a from-scratch comparison says."""
    folder = new_folder()
    store = folder / "store"
    left: dict[str, dict[str, str]] = {}
    try:
        for world in chain:
            named_outputs(world)
            graph = world.write(folder)
            try:
                api.load(graph)
            except GraphError:
                continue
            built = Built(graph, store, jobs=2)
            if built.result.status == "ok" and built.result.run:
                left[built.result.run] = keys_now(graph, store)
        for old, before in left.items():
            for new, after in left.items():
                found = diff_runs(store, old, new)
                assert {row.node: row.change for row in found.rows} == {
                    name: "appeared" if name not in before else "gone" if name not in after
                    else "same" if before[name] == after[name] else "changed"
                    for name in {*before, *after}
                }  # fmt: skip
                for row in found.rows:
                    assert bool(row.fields) == (row.change == "changed")
    finally:
        shutil.rmtree(folder)


class Bench:
    """A graph in a folder, and its store."""

    def __init__(self, folder: Path) -> None:
        self.graph, self.store = folder / "g.toml", folder / "store"

    def build(self, text: str = GRAPH, *targets: str, profile: str | None = None) -> str:
        self.graph.write_text(text, encoding="utf-8")
        return api.build(self.graph, targets, store=self.store, profile=profile).run

    def diff(self, *runs: str) -> RunDiff:
        return diff_runs(self.store, *runs)

    def changes(self, *runs: str) -> dict[str, str]:
        return {row.node: row.change for row in self.diff(*runs).rows}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_a_run_did_not_ask_for_is_not_gone(bench: Bench) -> None:
    """A build of one target leaves the rest as it was: the map of a run is what the graph has after it."""
    first = bench.build()
    second = bench.build(GRAPH.replace("A hill", "A lake"), "card[dusk]")
    assert bench.changes(first, second) == {"card[dusk]": "changed", "card[dawn]": "same", "sheet": "same"}
    third = bench.build(GRAPH.replace("A hill", "A lake"))
    assert bench.changes(third) == {"card[dusk]": "same", "card[dawn]": "same", "sheet": "changed"}
    (row,) = [row for row in bench.diff(first, second).rows if row.change == "changed"]
    assert [(diff.field, diff.old, diff.new) for diff in row.fields] == [("params.prompt", "A hill", "A lake")]
    assert row.new is not None
    assert row.new.artifacts[0].path is not None
    assert Path(row.new.artifacts[0].path).is_file()


def test_going_back_is_a_build_without_a_run_and_runs_compare_all_the_same(bench: Bench) -> None:
    """The unit is the run: a build that found everything leaves none, and what was there before is compared with the later."""
    first, second = bench.build(), bench.build(GRAPH.replace("A hill", "A lake"))
    assert bench.build() == ""
    assert set(bench.changes(second, first).values()) == {"changed", "same"}
    other = bench.build(GRAPH.replace('"64x64"', '"32x32"'), profile="draft")
    with pytest.raises(UsageError, match="no earlier run of this graph"):
        bench.diff(other)  # of its profile there is none
    assert bench.changes(second, other) == dict.fromkeys(("card[dusk]", "card[dawn]", "sheet"), "changed")


def test_a_run_that_left_no_map_is_known_by_what_it_made(bench: Bench) -> None:
    """Runs of older stores, and those that died: what both have is compared, what one lacks is never called gone."""
    first = bench.build()
    second = bench.build(GRAPH.replace("A hill", "A lake"))
    with open_store(bench.store) as store:
        store.write(lambda one: one.execute("DELETE FROM run_map WHERE run = ?", (second,))).result()
    found = bench.diff(first, second)
    assert (found.old.whole, found.new.whole, found.untold) == (True, False, 1)
    assert found.new.why == "it left no list of its results"
    assert {row.node: row.change for row in found.rows} == {"card[dusk]": "changed", "sheet": "changed"}
    back = bench.diff(second, first)
    assert {row.node: row.change for row in back.rows} == {"card[dusk]": "changed", "sheet": "changed"}
    with open_store(bench.store) as store:
        store.write(lambda one: one.execute("UPDATE build_map SET body = zeroblob(9)")).result()
    found = bench.diff(first, second)
    assert found.old.why == "which results it left cannot be read"
    assert found.counts["gone"] == found.counts["appeared"] == 0


def test_a_failed_build_is_a_run_too(bench: Bench) -> None:
    """What it could not make is as it was before it."""
    first = bench.build()
    broken = bench.build(
        GRAPH.replace('size = "64x64"', 'size = "64x64"\nstyle = "no such"').replace("A hill", "A lake")
    )
    if broken:
        assert "gone" not in bench.changes(first, broken).values()
    assert [one.run.id for one in list_runs(bench.store).rows][-1] == first
