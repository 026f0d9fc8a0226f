"""Gates: what a person approves and rejects, what a build does meanwhile, and what stands in the choices file afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
from oracle.builds import Built, declared

from dagcontent import api
from dagcontent.api.result import BuildResult
from dagcontent.errors import ConfigError, GraphError, UsageError

GRAPH = """
[graph]
name = "g"
[each]
scene = [{ id = "sun", text = "a hare" }, { id = "moon", text = "an owl" }]
[node.line]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "${scene.text}"
[node.ok]
kind = "gate"
each = "scene"
show = "${line[scene]}"
title = "Good for ${scene.id}?"
[node.after]
kind = "text.generate"
model = "local/outline"
each = "scene"
prompt = "After: ${ok[scene]}"
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

    def __init__(self, folder: Path) -> None:
        self.graph, self.store = folder / "g.toml", folder / "store"
        self.choices = folder / "g.choices.toml"
        self.write(GRAPH)

    def write(self, text: str) -> None:
        """Write the graph."""
        self.graph.write_text(text, encoding="utf-8")

    def built(self, *targets: str, profile: str | None = None) -> BuildResult:
        """Build."""
        return api.build(self.graph, targets, store=self.store, profile=profile)

    def build(self) -> tuple[str, list[str]]:
        """Build; return how it ended and what was made."""
        found = self.built()
        return found.status, [node.node for node in found.nodes if node.status == "ran"]

    def approve(self, *names: str, profile: str | None = None) -> list[str]:
        """Approve; return what was said of each before."""
        return [row.was.value for row in api.approve(self.graph, names, store=self.store, profile=profile).nodes]

    def reject(self, *names: str, note: str = "", profile: str | None = None) -> list[str]:
        """Reject; return what was said of each before."""
        return [
            row.was.value for row in api.reject(self.graph, names, note=note, store=self.store, profile=profile).nodes
        ]

    def entry(self, name: str) -> dict[str, str]:
        """Return what stands in the choices file."""
        found: dict[str, str] = tomli.loads(self.choices.read_text(encoding="utf-8"))["node"].get(name, {})
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with the graph above."""
    return Bench(tmp_path)


def test_a_build_goes_on_around_a_gate_and_through_it_once_it_is_approved(bench: Bench) -> None:
    """It asks once an instance; what does not depend on it is made; what is approved is passed on as it is."""
    assert bench.build() == ("waiting", ["line[sun]", "line[moon]", "aside"])
    assert bench.build() == ("waiting", [])
    assert bench.approve("ok[sun]") == ["none"]
    assert bench.build() == ("waiting", ["after[sun]"])
    assert bench.approve("ok[*]") == ["approved", "none"]
    assert bench.build() == ("ok", ["after[moon]"])
    assert bench.build() == ("ok", [])


def test_what_waits_says_how_it_is_put_and_what_is_shown(bench: Bench) -> None:
    """Whoever is asked has to see what about."""
    found = next(node for node in bench.built().nodes if node.node == "ok[sun]")
    assert (found.status, found.asks, found.title, found.error) == (
        "waiting", "approve", "Good for sun?", "waits for a person",
    )  # fmt: skip
    assert [(one.instance, one.path) for one in found.shows] == [("line[sun]", None)]


def test_an_approval_is_of_content_and_holds_again_when_that_is_back(bench: Bench) -> None:
    """Other content is asked about; the old word stays in the file, is said to be not applied with its line, and holds again."""
    bench.build()
    bench.approve("ok[*]")
    bench.build()
    was = bench.choices.read_bytes()
    bench.write(GRAPH.replace("a hare", "a fox"))
    found = bench.built()
    assert (found.status, found.waiting) == ("waiting", ["ok[sun]"])
    line = was.decode().split("\n").index('[node."ok[sun]"]') + 1
    assert (
        f"g.choices.toml:{line}: ok[sun] shows something else now: what was approved is not applied" in found.warnings
    )
    assert bench.choices.read_bytes() == was
    bench.write(GRAPH)
    assert bench.build() == ("ok", [])


def test_a_new_word_takes_the_place_of_the_last_of_its_sort(bench: Bench) -> None:
    """Of approvals the last is kept, of rejections too: whatever the gate shows of these two is decided already."""
    bench.build()
    bench.approve("ok[sun]")
    first = bench.entry("ok[sun]")["approved"]
    bench.write(GRAPH.replace("a hare", "a fox"))
    bench.build()
    assert bench.reject("ok[sun]", note="a fox,\n again") == ["none"]
    entry = bench.entry("ok[sun]")
    assert (entry["approved"], entry["note"]) == (first, "a fox, again")
    assert bench.built().status == "failed"
    bench.write(GRAPH)
    assert bench.built().counts["failed"] == 0
    assert bench.reject("ok[sun]") == ["approved"]
    assert bench.entry("ok[sun]") == {"rejected": first}, (
        "a word of the same content, and one of the same sort, give way"
    )
    assert bench.approve("ok[sun]") == ["rejected"]
    assert bench.entry("ok[sun]") == {"approved": first}


def test_a_rejected_gate_fails_with_its_note_and_blocks(bench: Bench) -> None:
    """What a person refused is no longer waited for: it is a failure, with what was said of it and what can be done."""
    bench.write(GRAPH.replace('prompt = "aside"', 'prompt = "aside"\nneeds = "ok"'))
    bench.build()
    bench.approve("ok[moon]")
    bench.reject("ok[sun]", note="too dark")
    found = bench.built()
    status = {node.node: node.status for node in found.nodes}
    assert (found.status, status["ok[sun]"], status["after[sun]"], status["aside"]) == (
        "failed",
        "failed",
        "blocked",
        "blocked",
    )
    (failed,) = found.failed
    assert failed.error == "a person rejected what it shows: too dark"
    assert failed.hint is not None
    assert "reroll" in failed.hint
    api.reroll(bench.graph, ["line[sun]"], store=bench.store)
    found = bench.built()
    assert (found.status, found.waiting) == ("waiting", ["ok[sun]"])
    assert any("what was rejected is not applied" in warning for warning in found.warnings)
    bench.approve("ok[sun]")
    assert bench.build() == ("ok", ["after[sun]", "aside"])


@pytest.mark.parametrize(
    ("keys", "ending", "after"),
    [
        ('on_error = "skip"', "failed", "skipped"),
        ("", "failed", "blocked"),
        ("when = false", "ok", "skipped"),
    ],
)
def test_what_became_of_a_gate_is_felt_as_of_any_node(bench: Bench, keys: str, ending: str, after: str) -> None:
    """A gate that was rejected or left out is an input that failed or was skipped: `on_error` and `when` hold for it."""
    bench.write(GRAPH.replace('kind = "gate"', f'kind = "gate"\n{keys}'))
    bench.build()
    if not keys.startswith("when"):
        bench.reject("ok[*]")
    found = bench.built()
    assert (found.status, {n.status for n in found.nodes if n.node.startswith("after")}) == (ending, {after})


def test_an_optional_input_waits_for_its_gate_and_is_left_out_once_it_is_rejected(bench: Bench) -> None:
    """Nobody has said no yet: it is not dropped without a word."""
    text = GRAPH + '[node.both]\nkind = "test.join"\nparts = ["${ok}", "end"]\noptional = "parts"\n'
    bench.write(
        text.partition("[node.after]")[0]
        + "[node.both]"
        + text.partition("[node.both]")[2].replace("test.join", "test.join")
    )
    from oracle.builds import Built

    found = Built(bench.graph, bench.store)
    assert found.status["both"] == "blocked"
    bench.reject("ok[sun]")
    bench.approve("ok[moon]")
    found = Built(bench.graph, bench.store)
    assert (found.status["ok[sun]"], found.status["both"]) == ("failed", "ran")


def test_a_gate_has_the_type_of_what_it_shows(bench: Bench) -> None:
    """A list stays a list, one thing stays that; facts and mistakes go through it."""
    base = GRAPH.partition("[node.ok]")[0] + '[node.s]\nkind = "test.sound"\ntext = "x"\n'
    gates = '[node.one]\nkind = "gate"\nshow = "${s}"\n[node.many]\nkind = "gate"\nshow = ["${line}", "and"]\n'
    bench.write(
        base
        + gates
        + '[node.t]\nkind = "text.template"\ntext = "${one.duration} ${many[0]} ${many[2]}"\noutput = "t"\n'
        '[each.part]\nof = "${many}"\nmax = 5\n[node.u]\nkind = "test.upper"\neach = "part"\ntext = "${part}"\n'
    )
    Built(bench.graph, bench.store)
    bench.approve("one", "many")
    built = Built(bench.graph, bench.store)
    assert (built.result.status, sum(name.startswith("u[") for name in built.status)) == ("ok", 3)
    ((_, path),) = built.result.outputs
    assert Path(path).read_text(encoding="utf-8").endswith(" and\n")
    for wrong, said in (("${one}", "audio"), ("${one.durtion}", "durtion"), ("${many.x}", "list")):
        bench.write(base + gates + f'[node.t]\nkind = "text.template"\ntext = "a {wrong}"\n')
        with pytest.raises(GraphError) as raised:
            api.load(bench.graph)
        assert said in raised.value.mistakes[0].message


def test_an_empty_list_is_asked_about_too(bench: Bench) -> None:
    """What passes a gate was approved by somebody, without exception."""
    bench.write('[graph]\nname = "g"\n[node.ok]\nkind = "gate"\nshow = []\n')
    assert bench.built().waiting == ["ok"]
    bench.approve("ok")
    assert bench.build() == ("ok", [])


def test_a_draft_asks_nobody_unless_it_was_decided_there(bench: Bench) -> None:
    """A draft is for looking at the whole; a word on a draft is one of its own, and none on the real thing."""
    assert bench.built(profile="draft").status == "ok"
    bench.reject("ok[sun]", note="no", profile="draft")
    found = bench.built(profile="draft")
    assert (found.status, [node.node for node in found.failed]) == ("failed", ["ok[sun]"])
    assert bench.built().status == "waiting"
    bench.approve("ok[sun]", profile="draft")
    assert bench.built(profile="draft").status == "ok"
    assert "profile" in tomli.loads(bench.choices.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ok"], "`ok` has 2 instances"),
        (["ok[dusk]"], "no instance `ok[dusk]`"),
        (["line[sun]"], "nobody is asked to approve it"),
        (["ok[sun]"], "what ok[sun] shows is still to be made"),
        (["ok[sun]", "ok[moon]"], "what ok[sun] shows is still to be made"),
    ],
)
def test_what_cannot_be_approved_is_said_and_nothing_is_written(bench: Bench, names: list[str], said: str) -> None:
    """An approval of something that nobody has seen would be one of anything."""
    for decide in (bench.approve, bench.reject):
        with pytest.raises((ConfigError, UsageError)) as raised:
            decide(*names)
        assert said in raised.value.message
        assert raised.value.hint
    assert not bench.choices.exists()


def test_what_was_skipped_or_failed_above_has_nothing_to_approve(bench: Bench) -> None:
    """A gate shows what there is; why there is nothing is said."""
    bench.write(
        '[graph]\nname = "g"\n[node.n]\nkind = "assert"\nvalue = 1\nmin = 2\n[node.ok]\nkind = "gate"\nshow = "${n}"\n'
    )
    with pytest.raises(UsageError, match="nothing to show: n failed or is skipped"):
        bench.approve("ok")
    bench.write(GRAPH.replace('kind = "gate"', 'kind = "gate"\nwhen = false'))
    with pytest.raises(UsageError, match="skipped: there is nothing to approve"):
        bench.approve("ok[sun]")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('[node."ok[sun]"]\nreroll = 1', "is `approved` or `rejected`, and nothing else"),
        ('[node."ok[sun]"]\nfor = "D"\napproved = "D"', "is `approved` or `rejected`, and nothing else"),
        ('[node."ok[sun]"]\napproved = "D"\nrejected = "D"', "approved and rejected, of the same content"),
        ('[node."line[sun]"]\napproved = "D"', "are for gates, and `line` is text.generate"),
        ('[node."line[sun]"]\nnote = "x"', "are for gates, and `line` is text.generate"),
    ],
)
def test_an_entry_that_makes_no_sense_is_a_mistake(bench: Bench, entry: str, said: str) -> None:
    """People merge this file: what came of it may be nothing that anybody decided."""
    bench.choices.write_text(entry.replace('"D"', f'"sha256:{"a" * 64}"') + "\n", encoding="utf-8")
    with pytest.raises(GraphError) as raised:
        api.load(bench.graph)
    assert said in raised.value.mistakes[0].message


def test_a_gate_behind_a_gate_asks_when_its_turn_comes(bench: Bench) -> None:
    """One question after another: the second is about what the first let through."""
    bench.write(GRAPH + '[node.last]\nkind = "gate"\nshow = ["${after}"]\ntitle = "All?"\n')
    assert bench.built().waiting == ["ok[sun]", "ok[moon]"]
    with pytest.raises(UsageError, match="still to be made"):
        bench.approve("last")
    bench.approve("ok[*]")
    assert bench.built().waiting == ["last"]
    status = {row.node: row.status for row in api.plan(bench.graph, store=bench.store).rows}
    assert (status["last"], set(status.values())) == ("waiting", {"waiting", "hit"})
    bench.approve("last")
    assert bench.build() == ("ok", [])
