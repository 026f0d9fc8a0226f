"""A person's file in the place of a result, end to end: what it is taken for, what follows, what it costs, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from oracle.paid import Bench as Paid
from oracle.paid import new_folder, spending

from dagcontent import api
from dagcontent.errors import UsageError
from dagcontent.store import open_store
from dagcontent.testing.vendors.client import FakeVendors

GRAPH = """
[graph]
name = "lines"
[params]
tone = "dry"
[node.plot]
kind = "text.generate"
model = "local/outline"
prompt = "Scenes in a ${params.tone} tone"
returns = { scenes = [{ id = "text", text = "text" }] }
output = "plot"
[each.scene]
of = "${plot.scenes}"
max = 9
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "About ${scene.text}"
[node.all]
kind = "text.template"
text = "${line}"
output = "all"
"""


class Bench:
    """A graph in a folder, and its store."""

    def __init__(self, folder: Path) -> None:
        self.graph, self.store, self.choices = folder / "g.toml", folder / "store", folder / "g.choices.toml"
        self.graph.write_text(GRAPH, encoding="utf-8")
        self.folder = folder

    def made(self, **options: Any) -> list[str]:
        """Build; return what was made."""
        self.result = api.build(self.graph, store=options.pop("store", self.store), **options)
        return [node.node for node in self.result.nodes if node.status == "ran"]

    def row(self, name: str, **options: Any) -> api.PlanRow:
        return next(row for row in api.plan(self.graph, store=self.store, **options).rows if row.node == name)

    def value(self, name: str) -> Any:
        return api.show(self.graph, name, store=self.store).value

    def replace(self, name: str, text: str, **options: Any) -> Any:
        file = self.folder / "mine.txt"
        file.write_text(text, encoding="utf-8")
        (done,) = api.replace(self.graph, name, file, store=options.pop("store", self.store), **options).nodes
        return done


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_json_is_held_to_its_form_and_what_depends_on_it_follows(bench: Bench) -> None:
    """An outline is corrected by hand: scenes that are new are made, one that is as it was is not, and undo makes nothing."""
    bench.made()
    plot = bench.value("plot")
    kept = plot["scenes"][0]
    for wrong in ("{", '{"scenes": [{"id": "a"}]}', '{"scenes": NaN}', '{"scenes": [], "more": 1}'):
        with pytest.raises(UsageError):
            bench.replace("plot", wrong)
    assert not bench.choices.exists()
    before = bench.result
    bench.replace("plot", json.dumps({"scenes": [kept, {"id": "mine", "text": "a quay in the rain"}]}, indent=2))
    assert bench.row("plot").status == "pinned"
    assert bench.made() == ["line[mine]"]
    assert "quay" in bench.folder.joinpath("out/plot.json").read_text()
    api.undo_replace(bench.graph, ["plot"], store=bench.store)
    assert bench.made() == []
    assert bench.result.counts["hit"] == before.counts["ran"]
    assert bench.value("plot") == plot


def test_an_output_that_is_given_back_as_it_is_changes_nothing(bench: Bench) -> None:
    """What is written beside the graph is what is read from there: the last line's end is no part of a text."""
    bench.made()
    name = f"line[{bench.value('plot')['scenes'][0]['id']}]"
    bench.replace(name, bench.value(name) + "\n")
    assert bench.made() == []
    assert bench.row(name).stale is False


def test_it_stays_while_inputs_move_and_says_so(bench: Bench) -> None:
    """The plan says that it is stale and why; given once more, it stands for what is asked for now."""
    bench.made()
    plot = {"scenes": [{"id": "a", "text": "a quay"}]}
    bench.replace("plot", json.dumps(plot))
    moved = bench.row("plot", params={"tone": "warm"})
    assert (moved.status, moved.stale, moved.replaced) == ("pinned", True, "mine.txt")
    assert [diff.field for diff in moved.why] == ["params.prompt"]
    shown = api.show(bench.graph, "plot", params={"tone": "warm"}, store=bench.store).replaced
    assert shown is not None
    assert shown.stale is True
    assert shown.original["scenes"]
    again = bench.replace("plot", json.dumps({"scenes": []}), params={"tone": "warm"})
    assert again.was == "mine.txt"
    assert bench.row("plot", params={"tone": "warm"}).stale is False
    assert bench.row("plot").stale is True


def test_what_was_never_made_can_be_given(bench: Bench) -> None:
    """A script of one's own, before anything was asked for: nothing is made in its place, then or later."""
    done = bench.replace("plot", json.dumps({"scenes": [{"id": "a", "text": "a quay"}]}))
    assert done.instead_of is not None  # what would be asked for is known
    assert bench.made() == ["line[a]"]
    assert bench.result.counts["pinned"] == 1


def test_a_store_without_the_file_says_what_to_do_and_has_it_brought(bench: Bench, tmp_path: Path) -> None:
    """A colleague has the choices file and not the bytes: nothing is made in their place, and the same file mends it without
    a change of the choices. Garbage collection takes neither the file nor the result it stands for.
    """
    bench.made()
    bench.replace("plot", json.dumps({"scenes": [{"id": "a", "text": "a quay"}]}))
    written = bench.choices.read_text()
    other = tmp_path / "other"
    assert bench.made(store=other) == []
    (failed,) = bench.result.failed
    assert failed.node == "plot"
    assert "replace GRAPH plot FILE" in str(failed.hint)
    bench.replace("plot", json.dumps({"scenes": [{"id": "a", "text": "a quay"}]}), store=other)
    assert bench.choices.read_text() == written
    assert bench.made(store=other) == ["line[a]"]
    with open_store(bench.store) as opened:
        opened.collect(now_ms=2**42)
        assert opened.verify().ok
    assert bench.row("plot").status == "pinned"
    api.undo_replace(bench.graph, ["plot"], store=bench.store)
    assert bench.made() == []


@pytest.mark.slow
def test_a_paid_result_is_replaced_for_nothing_and_not_lost() -> None:
    """A picture that was bought is retouched: no request, what depends on it follows, and undo finds what was paid for. A file
    of another type is refused by what it holds.
    """
    text = """
[graph]
name = "still"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "a lantern"
size = "64x64"
output = "still"
[node.seen]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Describe it: ${still.width}"
max_tokens = 60
"""
    folder = new_folder()
    try:
        with FakeVendors() as vendors:
            one = Paid(vendors, text, folder)
            assert one.build().counts["ran"] == 2
            realms = spending(vendors).realms
            bought = len(one.charges())
            from PIL import Image

            mine = folder / "mine.bin"
            Image.new("RGB", (48, 32), (9, 9, 9)).save(mine, format="JPEG")
            api.replace(one.graph, "still", mine, store=one.store, realms=realms)
            plan = {row.node: row for row in api.plan(one.graph, store=one.store, realms=realms).rows}
            assert (plan["still"].status, plan["still"].stale, plan["still"].price) == ("pinned", False, None)
            assert plan["seen"].status == "run"  # it is 48 wide now
            built = one.build()
            assert [node.node for node in built.nodes if node.status == "ran"] == ["seen"]
            assert len(one.charges()) == bought + 1
            assert (folder / "out" / "still.jpg").read_bytes() == mine.read_bytes()
            (listed,) = api.takes(one.graph, "still", store=one.store, realms=realms)
            assert [(row.file, row.now, row.cost_microusd > 0) for row in listed.rows] == [
                ("mine.bin", True, False), (None, False, True),
            ]  # fmt: skip
            (folder / "sound.txt").write_text("words")
            with pytest.raises(UsageError, match="not a picture"):
                api.replace(one.graph, "still", folder / "sound.txt", store=one.store, realms=realms)
            api.undo_replace(one.graph, ["still"], store=one.store, realms=realms)
            assert one.build().counts["ran"] == 0
            assert len(one.charges()) == bought + 1
    finally:
        shutil.rmtree(folder)
