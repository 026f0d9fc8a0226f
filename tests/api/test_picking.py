"""Selections: what is chosen, by whom, and what a build does while a person has not said so."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.builds import declared

from dagcontent import api
from dagcontent.errors import ConfigError, DagcontentError, GraphError, UsageError

GRAPH = """
[graph]
name = "g"
[each]
scene = [{ id = "sun", text = "a hare" }, { id = "moon", text = "an owl" }]
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
takes = 3
prompt = "${scene.text}, ${label.take}"
[node.best]
kind = "select"
each = "scene"
from = "${line[scene]}"
by = "human"
[node.after]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "After: ${best[scene]}"
[node.aside]
kind = "text.generate"
model = "local/outline"
prompt = "aside"
"""


@pytest.fixture(autouse=True, scope="module")
def _stub_kinds() -> Iterator[None]:
    """Kinds that run in microseconds, beside the real ones."""
    with declared():
        yield


class Bench:
    """A graph, its store, and what builds of it came to."""

    def __init__(self, folder: Path, text: str = GRAPH) -> None:
        self.graph, self.store = folder / "g.toml", folder / "store"
        self.write(text)

    def write(self, text: str) -> None:
        """Write the graph."""
        self.graph.write_text(text, encoding="utf-8")

    def build(self, *targets: str, profile: str | None = None) -> tuple[str, list[str]]:
        """Build; return how it ended and what was made."""
        found = api.build(self.graph, targets, store=self.store, profile=profile)
        return found.status, [node.node for node in found.nodes if node.status == "ran"]

    def status(self, word: str) -> list[str]:
        """Return the rows of a plan that have a status."""
        return [row.node for row in api.plan(self.graph, store=self.store).rows if row.status == word]

    def pick(self, node: str, choice: str) -> Any:
        """Pick; return what was decided."""
        return api.pick(self.graph, node, choice, store=self.store).nodes[0]

    @property
    def choices(self) -> Path:
        """The choices file."""
        return self.graph.with_name("g.choices.toml")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with the graph above."""
    return Bench(tmp_path)


def test_the_first_is_a_value_that_nobody_waits_for(bench: Bench) -> None:
    """What is chosen by its place is part of the plan: it has no row, no record, and its dependants are keyed by content."""
    bench.write(GRAPH.replace('"human"', '"first"'))
    status, made = bench.build()
    assert (status, len(made)) == ("ok", 9)
    assert bench.status("waiting") == []
    bench.write(GRAPH.replace('"human"', '"first"').replace("takes = 3", "takes = 2"))
    assert bench.build() == ("ok", [])


def test_a_build_goes_on_around_what_waits_for_a_person(bench: Bench) -> None:
    """Only what depends on the choice waits: the rest is made, and asking again makes nothing."""
    assert bench.status("waiting") == ["best[sun]", "best[moon]"]
    assert bench.status("maybe") == ["after[sun]", "after[moon]"]
    found = api.build(bench.graph, store=bench.store)
    assert (found.status, found.counts["ran"], found.counts["waiting"], found.counts["blocked"]) == ("waiting", 7, 2, 2)
    assert {node.error for node in found.nodes if node.status in {"waiting", "blocked"}} == {"waits for a person"}
    assert bench.build() == ("waiting", [])
    bench.pick("best[sun]", "take=1")
    assert bench.build() == ("waiting", ["after[sun]"])
    bench.pick("best[moon]", "#2")
    assert bench.build() == ("ok", ["after[moon]"])
    assert bench.build() == ("ok", [])


def test_another_pick_makes_only_what_follows_and_going_back_makes_nothing(bench: Bench) -> None:
    """A choice is no work: what it was chosen among stays, and so does what was made of each."""
    bench.build()
    bench.pick("best[sun]", "#0")
    bench.pick("best[moon]", "#0")
    bench.build()
    for choice, made in (("#1", ["after[sun]"]), ("#0", []), ("#1", []), ("#2", ["after[sun]"])):
        bench.pick("best[sun]", choice)
        assert bench.build() == ("ok", made)


def test_a_pick_overrides_whoever_was_to_choose(bench: Bench) -> None:
    """A person who looks at the result has the last word, also where a rule would choose."""
    bench.write(GRAPH.replace('"human"', '"first"'))
    bench.build()
    bench.pick("best[sun]", "#1")
    assert bench.build() == ("ok", ["after[sun]"])


def test_a_pick_among_others_is_stale_said_and_never_applied(bench: Bench) -> None:
    """Whoever chose the best of three did not choose it of another three: the question is asked again, at the entry's line."""
    bench.build()
    bench.pick("best[sun]", "#1")
    bench.pick("best[moon]", "#1")
    bench.build()
    bench.write(GRAPH.replace("a hare", "a fox"))
    found = api.build(bench.graph, store=bench.store)
    assert (found.status, [n.node for n in found.nodes if n.status == "waiting"]) == ("waiting", ["best[sun]"])
    line = bench.choices.read_text(encoding="utf-8").split("\n").index('[node."best[sun]"]') + 1
    said = f"g.choices.toml:{line}: best[sun] chooses among others now: what was picked is not applied"
    assert said in found.warnings
    bench.write(GRAPH)
    assert bench.build() == ("ok", [])


def test_a_pick_goes_along_with_its_candidate(bench: Bench) -> None:
    """Content is what was chosen: by hand without `for`, it holds wherever the candidate stands."""
    bench.build()
    digest = bench.pick("best[sun]", "take=2").digest
    bench.choices.write_text(f'[node."best[sun]"]\npick = "sha256:{digest}"\n', encoding="utf-8")
    bench.write(GRAPH.replace('from = "${line[scene]}"', 'from = ["${line[scene, take=2]}", "${line[scene, take=0]}"]'))
    assert bench.build() == ("waiting", ["after[sun]"])
    assert bench.pick("best[sun]", digest[:6]).position == 0


def test_what_needs_a_choice_in_any_way_waits_for_it(bench: Bench) -> None:
    """Nothing may be made, or paid, on a guess of what a person will say: no condition, order or list is decided before."""
    bench.write(
        GRAPH
        + """
[each.word]
of = "${best[sun]}"
[node.split]
kind = "text.split"
text = "${best['sun']}"
by = "sentence"
[node.when]
kind = "text.generate"
model = "local/outline"
prompt = "when"
when = { value = "${best['sun']}", is_not = "x" }
[node.later]
kind = "text.generate"
model = "local/outline"
prompt = "later"
needs = ["best"]
[node.item]
kind = "text.generate"
model = "local/outline"
each = "part"
prompt = "item ${part}"
[node.second]
kind = "select"
from = ["${best['sun']}", "x"]
by = "human"
[node.all]
kind = "text.generate"
model = "local/outline"
prompt = "all ${item}"
""".replace('[each.word]\nof = "${best[sun]}"\n', '[each.part]\nof = "${split}"\n')
    )
    rest = ["when", "later", "item[*]", "all"]
    assert set(rest) <= set(bench.status("maybe"))
    status, made = bench.build()
    assert (status, len(made)) == ("waiting", 7)
    bench.pick("best[sun]", "#0")
    status, made = bench.build()
    assert status == "waiting"
    assert {"when", "all", "after[sun]"} <= set(made)
    assert "later" not in made, "the moon's is still to be chosen"
    assert bench.status("waiting") == ["best[moon]", "second"]


def test_what_a_plan_calls_certain_a_waiting_build_makes(bench: Bench) -> None:
    """`run` is a promise: what is behind a choice may not be among it, even if no record could serve."""
    certain = bench.status("run")
    _, made = bench.build()
    assert sorted(certain) == sorted(made)


def test_a_pick_that_may_have_become_stale_makes_nothing_certain(bench: Bench) -> None:
    """Candidates that are to be made again may be others: then a person is asked, and what follows is not made."""
    bench.build()
    bench.pick("best[sun]", "#1")
    bench.write(GRAPH.replace("a hare", "a fox").replace('prompt = "After', 'temperature = 0.5\nprompt = "After'))
    certain = bench.status("run")
    assert "after[sun]" not in certain
    status, made = bench.build()
    assert (status, sorted(made)) == ("waiting", sorted(certain))


def test_an_element_that_waits_holds_back_its_own_instance_alone(bench: Bench) -> None:
    """Whether an instance is to be made may depend on its element: of a list that is known but for that, the others are made."""
    bench.write(
        GRAPH
        + """
[each.part]
of = ["${best['sun']}", "known"]
[node.item]
kind = "text.generate"
model = "local/outline"
each = "part"
prompt = "number ${index.part}"
when = { value = "${part}", is_not = "x" }
"""
    )
    _, made = bench.build()
    assert [name for name in made if name.startswith("item")] == ["item[known]"]
    bench.pick("best[sun]", "#0")
    assert len([name for name in bench.build()[1] if name.startswith("item")]) == 1


def test_a_draft_asks_nobody(bench: Bench) -> None:
    """A draft is for looking at the whole: a selection takes its first."""
    assert bench.build(profile="draft")[0] == "ok"


@pytest.mark.parametrize("choice", ["#9", "take=9", "sun", "abcdef", "abc", "", "line[moon,take=0]"])
def test_what_names_no_candidate_or_several_gets_them_all(bench: Bench, choice: str) -> None:
    """A slip of the pen changes nothing, and is answered by what there is to choose."""
    bench.build()
    with pytest.raises(ConfigError) as raised:
        bench.pick("best[sun]", choice)
    assert [label for label, _ in raised.value.facts] == ["#0", "#1", "#2"]
    assert "line[sun,take=1]" in raised.value.facts[1][1]
    assert not bench.choices.exists()


@pytest.mark.parametrize("node", ["best[sun]", "line[sun,take=0]", "best", "best[*]", "nothing"])
def test_there_is_nothing_to_pick_before_it_is_made_nor_where_nothing_chooses(bench: Bench, node: str) -> None:
    """Each is refused in words, and the choices file is not touched."""
    with pytest.raises(DagcontentError):
        bench.pick(node, "#0")
    assert not bench.choices.exists()


def test_a_selection_is_neither_rerolled_nor_pinned(bench: Bench) -> None:
    """It makes nothing of its own; what it chooses from does. The same by hand is a mistake at its line."""
    bench.build()
    for decide in (api.reroll, api.pin):
        with pytest.raises(UsageError, match="makes nothing of its own"):
            decide(bench.graph, ["best[sun]"], store=bench.store)
    bench.choices.write_text(
        f'[node."best[sun]"]\nreroll = 1\n[node.aside]\npick = "sha256:{"a" * 64}"\n', encoding="utf-8"
    )
    with pytest.raises(GraphError) as raised:
        api.load(bench.graph)
    assert [mistake.message for mistake in raised.value.mistakes] == [
        "select makes nothing of its own: what can be decided about `best` is its `pick`",
        "`pick` is for selections, and `aside` is text.generate",
    ]


def test_a_selection_has_the_type_of_what_it_chooses_from(bench: Bench) -> None:
    """A picture where text is wanted is a mistake before anything is bought, through selections of selections too."""
    text = """
[graph]
name = "g"
[node.outer]
kind = "select"
from = "${inner}"
by = "first"
[node.inner]
kind = "select"
from = ["${still}", "${still[take=1]}"]
by = "first"
[node.still]
kind = "image.generate"
model = "local/card"
takes = 2
prompt = "x"
[node.line]
kind = "text.template"
text = "${outer} ${outer.width} ${inner.label} ${still[0].label}"
"""
    bench.write(text)
    with pytest.raises(GraphError) as raised:
        api.load(bench.graph)
    said = [mistake.message for mistake in raised.value.mistakes]
    assert any("`${outer}` is image: media cannot be joined into text" in one for one in said)
    assert any("`label` is not a fact of image" in one for one in said)
    assert len(said) == 2


def test_an_empty_list_has_nothing_to_choose_from(bench: Bench) -> None:
    """Nobody can be asked to choose of nothing: it fails, and says so."""
    for by in ("first", "human"):
        bench.write(f'[graph]\nname = "g"\n[node.best]\nkind = "select"\nfrom = []\nby = "{by}"\n')
        found = api.build(bench.graph, store=bench.store)
        assert [n.error for n in found.failed] == ["there is nothing to choose from: the list is empty"]


def test_candidates_may_be_written_out_and_be_tables(bench: Bench) -> None:
    """Not only what is made can be chosen from; the digest of a table is that of its content."""
    bench.write('[graph]\nname = "g"\n[node.best]\nkind = "select"\nfrom = [{ a = 1 }, { a = 2 }]\nby = "human"\n')
    assert bench.build()[0] == "waiting"
    first, second = bench.pick("best", "#0"), bench.pick("best", "#1")
    assert (second.was, second.position) == (first.digest, 1)
    assert json.loads(json.dumps(api.show(bench.graph, "best", store=bench.store).value)) == {"a": 2}


LAYERS = """
[graph]
name = "g"
[node.line]
kind = "text.generate"
model = "local/outline"
takes = 2
prompt = "WORD"
[node.best]
kind = "select"
from = "${line}"
by = "BY1"
[node.more]
kind = "text.generate"
model = "local/outline"
takes = 2
prompt = "More: ${best}"
[node.last]
kind = "select"
from = ["${more}", "${best}"]
by = "BY2"
[node.end]
kind = "text.generate"
model = "local/outline"
prompt = "End: ${EDGE}"
EXTRA
"""
BEHIND = {"best": {"more", "last", "end"}, "last": {"end"}}
STEP = st.one_of(
    st.tuples(st.just("pick"), st.sampled_from(["best", "last"]), st.integers(0, 2)),
    st.tuples(st.just("edit"), st.sampled_from(["a hare", "an owl"]), st.just(0)),
)


@pytest.mark.slow
@given(
    by=st.tuples(*[st.sampled_from(["first", "human"])] * 2),
    edge=st.sampled_from(["last", "line[take=0]"]),
    extra=st.sampled_from(["", 'needs = ["last"]', 'when = { value = "${last}", is_not = "x" }']),
    steps=st.lists(STEP, min_size=1, max_size=5),
)
@settings(max_examples=12)
def test_nothing_behind_a_choice_is_made_before_it_and_a_plan_knows(
    by: tuple[str, str], edge: str, extra: str, steps: list[tuple[str, str, int]]
) -> None:
    """Whatever is decided in whatever order: a build makes what its plan calls certain, at most what it calls possible, nothing
    behind what waits; and asked again it makes nothing.
    """
    text = LAYERS.replace("BY1", by[0]).replace("BY2", by[1]).replace("EDGE", edge).replace("EXTRA", extra)
    behind = BEHIND if edge == "last" or extra else {"best": {"more", "last"}, "last": set[str]()}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), text.replace("WORD", "a hare"))
        for what, name, position in [("edit", "a hare", 0), *steps]:
            if what == "edit":
                bench.write(text.replace("WORD", name))
            else:
                with contextlib.suppress(DagcontentError):  # its candidates are still to be made, or are fewer
                    bench.pick(name, f"#{position}")
            certain, possible = set(bench.status("run")), set(bench.status("maybe"))
            found = api.build(bench.graph, store=bench.store)
            made = {node.node for node in found.nodes if node.status == "ran"}
            waiting = {node.node for node in found.nodes if node.status == "waiting"}
            assert certain <= made <= certain | possible
            assert not {name.partition("[")[0] for name in made} & set().union(*(behind[one] for one in waiting))
            assert found.status == ("waiting" if waiting else "ok")
            assert bench.build() == (found.status, [])
