"""Judges, gates and fallbacks of a graph within a graph: each is what it is where that graph is built alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.judges import Panel

from dagcontent import api
from dagcontent.errors import ConfigError, GraphError

AD = """
[graph]
name = "ad"
[params]
language = { required = true, type = "text" }
who = "first"
[node.line]
kind = "text.generate"
model = "local/outline"
takes = 2
prompt = "${params.language}"
[node.best]
kind = "select"
from = ["a", "bb", "${params.language}"]
by = "${params.who}"
model = "local/outline"
rubric = "good"
[node.ok]
kind = "gate"
show = "${best}"
title = "Good in ${params.language}?"
[node.never]
kind = "assert"
value = "${best}"
equals = "nothing"
[node.plain]
kind = "text.generate"
model = "local/outline"
prompt = "plain ${params.language}"
[node.spare]
kind = "text.generate"
model = "local/outline"
prompt = "spare ${params.language}"
[node.safe]
kind = "fallback"
of = ["${never}", "${plain}", "${spare}"]
[node.film]
kind = "text.generate"
model = "local/outline"
prompt = "${ok} ${safe}"
[exports]
film = "${film}"
best = "${best}"
label = "${best.position}"
text = "It is: ${spare}"
"""
WORLD = """
[graph]
name = "world"
[params]
who = "judge"
[each]
lang = ["es", "de"]
[node.ad]
kind = "graph"
each = "lang"
path = "ad.toml"
params = { language = "${lang}", who = "${params.who}" }
"""


class Bench:
    """Both graphs in a folder, and a panel of judges who like what is in German, and then what is long."""

    def __init__(self, folder: Path) -> None:
        self.graph, self.store = folder / "world.toml", folder / "store"
        self.panel = Panel({"a": 1, "bb": 2, "es": 0, "de": 9})
        (folder / "ad.toml").write_text(AD, encoding="utf-8")
        self.write("")

    def write(self, more: str) -> None:
        """Write the outer graph with more nodes."""
        self.graph.write_text(WORLD + more, encoding="utf-8")

    def build(self, *targets: str) -> dict[str, str]:
        """Build, and return what became of what."""
        seams = api.Seams(registry=self.panel.registry())
        return {node.node: node.status for node in api.build(self.graph, targets, store=self.store, seams=seams).nodes}

    def value(self, node: str) -> object:
        """Return what a node is."""
        return api.show(self.graph, node, store=self.store).value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench."""
    return Bench(tmp_path)


def test_a_judge_within_is_asked_once_for_each_language(bench: Bench) -> None:
    """Whom a selection asks is a node of its graph: named, planned, rerolled like any; `by` may be given from outside."""
    assert {row.node for row in api.plan(bench.graph, store=bench.store).rows if "judge" in row.node} == {
        "ad[es]/best.judge", "ad[de]/best.judge",
    }  # fmt: skip
    done = bench.build()
    assert (done["ad[es]/best.judge"], len(bench.panel.asked)) == ("ran", 2)
    assert (bench.value("ad[es]/best"), bench.value("ad[de]/best")) == ("bb", "de")
    assert bench.build()["ad[es]/best.judge"] == "hit"
    api.reroll(bench.graph, ["ad[es]/best.judge"], store=bench.store)
    assert bench.build()["ad[es]/best.judge"] == "ran"
    assert len(bench.panel.asked) == 3


def test_what_a_judge_within_lacks_is_said_in_its_file(bench: Bench) -> None:
    """A mistake of the inner file stands there, with the node it is read for; and where nobody is asked it is none."""
    path = bench.graph.parent / "ad.toml"
    path.write_text(AD.replace('model = "local/outline"\nrubric', "rubric"), encoding="utf-8")
    with pytest.raises(GraphError) as refused:
        api.load(bench.graph)
    assert [mistake.message for mistake in refused.value.mistakes] == [
        'node `best` has no `model`, which by = "judge" needs'
    ]
    api.load(bench.graph, profile="draft")
    api.load(bench.graph, params={"who": "human"})


def test_a_gate_within_waits_for_each_language(bench: Bench) -> None:
    """What a person approves in one language says nothing of the other; names in hints can be typed."""
    done = bench.build()
    assert (done["ad[es]/ok"], done["ad[es]/film"]) == ("waiting", "blocked")
    with pytest.raises(ConfigError) as refused:
        api.approve(bench.graph, ["ad/ok"], store=bench.store)
    assert refused.value.hint == "name some, or all as 'ad[*]/ok'"
    api.approve(bench.graph, ["ad[es]/ok"], store=bench.store)
    done = bench.build("ad")
    assert (done["ad[es]/film"], done["ad[de]/ok"], done["ad[de]/film"]) == ("ran", "waiting", "blocked")
    api.approve(bench.graph, ["ad[*]/ok"], store=bench.store)
    assert bench.build("ad[de]")["ad[de]/film"] == "ran"


def test_a_fallback_within_begins_what_it_must(bench: Bench) -> None:
    """What is not needed is not begun inside either, and not by asking for the whole graph, nor by waiting for it."""
    bench.write('[node.after]\nkind = "text.template"\ntext = "x"\nneeds = ["ad"]\n')
    for targets in ((), ("ad",), ("after",)):
        done = bench.build(*targets)
        assert (done["ad[es]/never"], done["ad[es]/plain"][:3]) == ("passed_over", "hit" if targets else "ran")
        assert not any("spare" in node for node in done)


def test_a_graph_may_be_an_alternative(bench: Bench) -> None:
    """What only a later alternative exports is not begun, whatever holds the value; asked for by name it is all there."""
    bench.write(
        '[node.one]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "1"\n[node.wall]\nkind = "fallback"\n'
        'of = ["${one}", "${ad[*].film}", "${ad[\'de\'].text}"]\n'
    )
    plan = {row.node: row.status for row in api.plan(bench.graph, store=bench.store).rows}
    assert plan["one"] == "run"
    assert plan["ad[es]/film"] == plan["ad[de]/spare"] == "maybe"
    done = bench.build("wall")
    assert done == {"one": "ran"}
    assert bench.value("wall") == "1"
    assert bench.build("ad")["ad[es]/film"] == "blocked"
    bench.write('[node.wall]\nkind = "fallback"\nof = ["${ad[*].film}", "${ad[\'de\'].text}"]\n')
    (bench.graph.parent / "ad.toml").write_text(AD.replace('"${ok} ${safe}"', '"${never}"'), encoding="utf-8")
    done = bench.build("wall")
    assert (done["ad[es]/film"], done["ad[de]/spare"]) == ("passed_over", "ran")
    assert bench.value("wall") == "It is: spare de"


def test_facts_of_a_selection_are_exported(bench: Bench) -> None:
    """What was chosen, and where it stood, is seen from outside."""
    bench.write('[node.said]\nkind = "text.template"\ntext = "${ad[*].best} at ${ad[\'de\'].label}"\n')
    bench.build()
    assert str(bench.value("said")).endswith("at 2")


def test_a_composed_graph_has_the_results_of_the_one_alone(bench: Bench) -> None:
    """Nothing of a judge, a gate or a fallback is keyed by where it stands."""
    alone = bench.graph.parent / "ad.toml"
    bench.build()
    seams = api.Seams(registry=bench.panel.registry())
    done = api.build(alone, store=bench.store, seams=seams, params={"language": "de", "who": "judge"})
    made = {node.status for node in done.nodes if node.status in {"ran", "hit"}}
    assert made == {"hit"}
