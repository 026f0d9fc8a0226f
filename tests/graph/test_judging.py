"""Selections that ask somebody: what is wrong with them in words, and the node that they bring with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagcontent.api.loading import find_mistakes
from dagcontent.graph.link import link
from dagcontent.graph.model import AllOf, Graph, SameAs
from dagcontent.spec.load import load
from dagcontent.spec.source import locate_all, render

FOLDER = Path(__file__).parent / "selections"
JUDGED = """
[graph]
name = "g"
[each]
scene = ["a", "b"]
[node.still]
kind = "image.generate"
model = "local/card"
each = "scene"
takes = 3
prompt = "${scene}"
[node.best]
kind = "select"
each = "scene"
from = "${still[scene]}"
by = "judge"
model = "local/outline"
rubric = "like ${scene}"
judges = 2
when = "${params.yes}"
output = "${label.scene}"
[params]
yes = true
"""


def linked(tmp_path: Path, text: str) -> Graph:
    """Return a graph."""
    path = tmp_path / "g.toml"
    path.write_text(text, encoding="utf-8")
    read = load(path)
    assert read.pipeline is not None
    found = link(read.pipeline)
    assert found.graph is not None, found.mistakes
    return found.graph


def test_messages_are_as_recorded(golden: bool) -> None:
    """All that can be wrong with a selection, said at its own line: --golden records anew."""
    read = load(FOLDER / "wrong.toml")
    assert read.pipeline is not None
    mistakes = [*read.mistakes, *link(read.pipeline, read.pipeline.broken).mistakes]
    blocks = [render(one) for one in locate_all(read.sources, mistakes)]
    text = ("\n\n".join(blocks) + "\n").replace(f"{FOLDER}{os.sep}", "")
    expected = FOLDER / "wrong.txt"
    if golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert text.count("error:") == len(mistakes)


def test_whom_it_asks_goes_over_the_same_and_waits_for_no_condition(tmp_path: Path) -> None:
    """The node that is asked is one like any other, over the selection's dimensions and the judges; what is to be before a
    selection, and what becomes of it, is the selection's alone.
    """
    graph = linked(tmp_path, JUDGED)
    best, judge = graph.by_name["best"], graph.by_name["best.judge"]
    assert (judge.kind.name, judge.spec.model, judge.when, judge.output) == (
        "text.generate",
        "local/outline",
        None,
        None,
    )
    assert [graph.dimensions[dim].name for dim in judge.dims] == ["scene", "best.judge.take"]
    assert best.verdict is not None
    assert best.verdict.node == judge.index
    assert best.verdict.picks == (SameAs(best.dims[0]), AllOf())
    assert best.model is None
    assert [name for name, _ in judge.params] == ["prompt", "images", "schema"]
    assert graph.order.index(judge.index) < graph.order.index(best.index)


def test_a_graph_without_selections_stays_what_it_is(tmp_path: Path) -> None:
    """Nothing is added for those who judge nothing: indices, keys and prices are theirs."""
    graph = linked(tmp_path, JUDGED[: JUDGED.index("[node.best]")])
    assert list(graph.by_name) == ["still"]


@pytest.mark.parametrize(
    ("by", "asks"),
    [
        ('"${params.who}"\nrubric = "r"\nmodel = "local/outline"', "best.judge"),
        ('"metric"\nmetric = "sharpness"', "best.metric"),
        ('"metric"\nscores = [1, 2, 3]', ""),
        ('"first"\ntop = 2', ""),
    ],
)
def test_who_is_asked_by_what_is_written(tmp_path: Path, by: str, asks: str) -> None:
    """A parameter may say who chooses; where numbers are there already, nobody is asked."""
    text = JUDGED[: JUDGED.index("[node.best]")]
    text += f'[params]\nwho = "judge"\n[node.best]\nkind = "select"\nfrom = "${{still[*]}}"\nby = {by}\n'
    graph = linked(tmp_path, text)
    assert [name for name in graph.by_name if "." in name] == ([asks] if asks else [])
    assert str(graph.by_name["best"].type) == ("list<image>" if "top" in by else "image")


def test_a_draft_asks_a_stand_in(tmp_path: Path) -> None:
    """A judge without a model is a mistake, except where nobody is to be paid."""
    path = tmp_path / "g.toml"
    path.write_text(JUDGED.replace('model = "local/outline"\n', ""), encoding="utf-8")
    found = [mistake.message for mistake in find_mistakes(path)]
    assert found == ['node `best` has no `model`, which by = "judge" needs']
    assert find_mistakes(path, profile="draft") == ()


def test_who_chooses_can_be_switched_without_taking_out_what_others_go_by(tmp_path: Path) -> None:
    """A profile may leave the choice to a person: what a judge would go by stands there for another day."""
    path = tmp_path / "g.toml"
    path.write_text(JUDGED + '[profile.hand.node.best]\nby = "human"\n', encoding="utf-8")
    assert find_mistakes(path) == ()
    assert find_mistakes(path, profile="hand") == ()
    path.write_text(JUDGED.replace('by = "judge"', 'by = "human"'), encoding="utf-8")
    assert len(find_mistakes(path)) == 3
